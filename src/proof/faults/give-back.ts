import type { Random } from '../../core/random.ts'
import { control } from '../stand-in.ts'
import type { Shop } from './buyers.ts'
import { type ChaosWorld, type Counts, count, pause, pick, post, postOperation, UNEXPECTED } from './world.ts'

interface Sale {
  readonly eventId: string
  readonly managerId: string
  readonly report: (text: string) => void
}

/** Refunds by staff, refunds in the provider's dashboard, disputes won and lost. */
export async function giveBack(
  world: ChaosWorld,
  shop: Shop,
  { eventId, managerId, report }: Sale,
  random: Random,
  counts: Counts,
): Promise<void> {
  report('giving money back')
  const { rows } = await world.client.query<PaidOrder>(
    `select o.id, p.id as payment_id, o.total_cents as total,
       (select t.id from tickets t where t.order_id = o.id order by t.tier_id, t.id limit 1) as ticket_id from orders o
     join ticketing.payments p on p.order_id = o.id and p.status = 'kept' where o.event_id = $1 order by o.id`,
    [eventId],
  )
  const token = await world.staffToken(managerId)
  for (const [n, row] of rows.entries()) {
    if (world.signal.aborted) return
    const move = DEALT_MOVES[n] ?? pick(random, MOVES)
    // A payment that the provider does not know is found by the judge.
    await give(world, shop, token, row, move, counts).catch((error) =>
      count(counts, `${UNEXPECTED}move: ${error}`),
    )
  }
}

type Move =
  | 'nothing'
  | 'refund by staff'
  | 'refund of one ticket'
  | 'full refund in the dashboard'
  | 'partial refund in the dashboard'
  | 'dispute won'
  | 'dispute lost'

/** Who gives money back. The first moves are fixed, so that each kind happens in a short run too. */
const DEALT_MOVES: readonly Move[] = [
  'refund by staff',
  'full refund in the dashboard',
  'partial refund in the dashboard',
  'dispute won',
  'dispute lost',
  'refund of one ticket',
]
const MOVES: readonly (readonly [weight: number, move: Move])[] = [
  [83, 'nothing'],
  [6, 'refund by staff'],
  [3, 'refund of one ticket'],
  [3, 'full refund in the dashboard'],
  [3, 'partial refund in the dashboard'],
  [1, 'dispute won'],
  [1, 'dispute lost'],
]

interface PaidOrder {
  readonly id: string
  readonly payment_id: string
  readonly total: string
  readonly ticket_id: string
}

async function give(
  world: ChaosWorld,
  shop: Shop,
  token: string,
  { id, payment_id, total, ticket_id }: PaidOrder,
  move: Move,
  counts: Counts,
): Promise<void> {
  switch (move) {
    case 'nothing':
      return
    case 'refund by staff':
      // Asked for twice at once, as an impatient person does.
      await Promise.all([
        refund(shop, token, { orderId: id }, counts),
        refund(shop, token, { orderId: id }, counts),
      ])
      break
    case 'refund of one ticket':
      await refund(shop, token, { orderId: id, ticketIds: [ticket_id] }, counts)
      break
    case 'full refund in the dashboard':
      await control(world.standIn, 'refunds', { payment_intent: payment_id })
      break
    case 'partial refund in the dashboard':
      await control(world.standIn, 'refunds', {
        payment_intent: payment_id,
        amount: Math.floor(Number(total) / 3),
      })
      break
    case 'dispute won':
    case 'dispute lost': {
      const dispute = await control<{ id: string }>(world.standIn, 'disputes', { payment_intent: payment_id })
      await control(world.standIn, `disputes/${dispute.id}/close`, { won: move === 'dispute won' })
    }
  }
  count(counts, move)
}

interface Refund {
  readonly orderId: string
  readonly ticketIds?: string[]
}

async function refund(shop: Shop, token: string, what: Refund, counts: Counts): Promise<void> {
  const { orderId: order, ticketIds: tickets } = what
  const asked = { order, ...(tickets === undefined ? {} : { tickets }) }
  for (let attempt = 1; attempt <= REFUND_ATTEMPTS_MAX; attempt++) {
    const answer = await postOperation(shop.recorder, 'staff', { operation: 'refund', asked }, () =>
      post(`${shop.serverUrl()}/functions/v1/process-refund`, JSON.stringify({ ...what, reason: 'chaos' }), {
        authorization: `Bearer ${token}`,
      }),
    )
    // 409: the twin request has it, or an earlier attempt of this one whose answer was lost.
    const fine =
      answer === undefined || answer.status >= 500 || answer.status === 200 || answer.status === 409
    count(counts, `${fine ? '' : UNEXPECTED}refund: ${answer?.status ?? 'cut off'}`)
    if (answer !== undefined && answer.status < 500) return
    await pause(REFUND_RETRY_MS)
  }
}

const REFUND_ATTEMPTS_MAX = 10
const REFUND_RETRY_MS = 500
