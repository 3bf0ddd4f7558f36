import { type Random, randomFrom } from '../../core/random.ts'
import { buyAndPay, type Shop } from './buyers.ts'
import { type Balance, balance } from './judge.ts'
import {
  type ChaosWorld,
  control,
  count,
  type MortalServer,
  pause,
  pick,
  post,
  type Tally,
  UNEXPECTED,
} from './world.ts'

export interface ChaosOptions {
  readonly orders: number
  readonly seed: number
  /** The fixture's event and tiers, and a manager of its business. */
  readonly eventId: string
  readonly tierIds: readonly string[]
  readonly managerId: string
  readonly note: (text: string) => void
  /** How long after the last payment everything may take to end; in milliseconds. */
  readonly quietMsMax?: number
}

export interface ChaosResult {
  readonly tally: ReadonlyMap<string, number>
  readonly balance: Balance
  /** What had not come to its end in time, in words; empty when all had. */
  readonly unfinished: string
}

const BUYERS_AT_ONCE = 40
const HOLD_MS = 2_500
const FIRST_KILL_MS = 1_500
const KILL_EVERY_MS = 4_000

/**
 * Orders while the server is killed again and again, answers of the provider are lost after they took effect, and
 * events come up to five times, late, shuffled, or not at all. When it is quiet again every payment must have ended in
 * tickets or in a refund, and three books must agree to the cent: the stand-in's, ours, and the tickets.
 */
export async function webhookChaos(world: ChaosWorld, options: ChaosOptions): Promise<ChaosResult> {
  const tally: Tally = new Map()
  const random = randomFrom(options.seed)
  await hurry(world)
  const server = await openMortal(world, tally)
  try {
    await control(world.standIn, 'chaos', { ...CHAOS, seed: options.seed })
    const shop: Shop = { ...options, serverUrl: server.url, holdMs: HOLD_MS }
    const killing = server.killAgainAndAgain(random)
    await sell(world, shop, options, tally)
    // What goes back goes back while the server still dies; an event that never comes would never be known of.
    await control(world.standIn, 'chaos', { ...CHAOS, lostEvents: 0, seed: options.seed + 1 })
    await giveBack(world, shop, options, random, tally)
    killing.stop()
    await killing.ended
    await control(world.standIn, 'chaos', null)
    const unfinished = await untilQuiet(world, options)
    return { tally, unfinished, balance: await balance(world, options.eventId) }
  } finally {
    await server.stop()
  }
}

const CHAOS = { duplicates: 5, delayMs: 4_000, lostAnswers: 0.05, lostEvents: 0.05 }

/**
 * Lifetimes of seconds instead of minutes: the operator's settings, in the measure of the stand-in's fast clock. A delayed
 * payment is waited for less long than it takes, so that some come too late.
 */
async function hurry(world: ChaosWorld): Promise<void> {
  const sessionMs = Math.max(2 * HOLD_MS, (31 * 60_000) / world.standIn.timeScale)
  await world.client.query(
    `update ticketing.settings set hold_lifetime = $1::interval, hold_extension = '1 second', extend_below = '500 ms',
       session_lifetime = $2::interval, ask_after = '1 second', payment_margin = '1 second',
       delayed_payment_lifetime = '1 second'`,
    [`${HOLD_MS} ms`, `${sessionMs} ms`],
  )
}

/** A server that comes back, each time it dies. */
async function openMortal(world: ChaosWorld, tally: Tally) {
  let server: MortalServer = await world.startServer()
  return {
    url: () => server.url,
    stop: () => server.stop(),
    killAgainAndAgain: (random: Random) => {
      let stopped = false
      const live = async () => {
        for (
          let waitMs = FIRST_KILL_MS;
          !world.signal.aborted;
          waitMs = KILL_EVERY_MS * (0.5 + random.below(100) / 100)
        ) {
          await pause(waitMs)
          if (stopped && tally.has('server killed')) return
          await server.kill()
          count(tally, 'server killed')
          try {
            server = await world.startServer()
          } catch (error) {
            count(tally, `${UNEXPECTED}start after a kill: ${error}`)
            return
          }
        }
      }
      const ended = live()
      // Reported where it is awaited.
      ended.catch(() => undefined)
      return { ended, stop: () => (stopped = true) }
    },
  }
}

async function sell(
  world: ChaosWorld,
  shop: Shop,
  { orders, seed, note }: ChaosOptions,
  tally: Tally,
): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < orders && !world.signal.aborted) {
      const buyer = next++
      if (buyer % 50 === 0) note(`${buyer} of ${orders} orders, ${tally.get('server killed') ?? 0} kills`)
      await buyAndPay(world, shop, seed, buyer, tally)
    }
  }
  await Promise.all(Array.from({ length: BUYERS_AT_ONCE }, work))
}

/** Refunds by staff, refunds in the provider's dashboard, disputes won and lost. */
async function giveBack(
  world: ChaosWorld,
  shop: Shop,
  options: ChaosOptions,
  random: Random,
  tally: Tally,
): Promise<void> {
  options.note('giving money back')
  const { rows } = await world.client.query<PaidOrder>(
    `select o.id, p.id as payment_id, o.total_cents as total,
       (select t.id from tickets t where t.order_id = o.id order by t.tier_id, t.id limit 1) as ticket_id from orders o
     join ticketing.payments p on p.order_id = o.id and p.status = 'kept' where o.event_id = $1 order by o.id`,
    [options.eventId],
  )
  const token = await world.staffToken(options.managerId)
  for (const [n, row] of rows.entries()) {
    if (world.signal.aborted) return
    const move = DEALT_MOVES[n] ?? pick(random, MOVES)
    // A payment that the provider does not know is found by the judge.
    await give(world, shop, token, row, move, tally).catch((error) =>
      count(tally, `${UNEXPECTED}move: ${error}`),
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

/** Whose money goes back; the first moves are dealt, so that each happens in a short run too. */
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
  tally: Tally,
): Promise<void> {
  switch (move) {
    case 'nothing':
      return
    case 'refund by staff':
      // Asked for twice at once, as an impatient person does.
      await Promise.all([
        refund(shop, token, { orderId: id }, tally),
        refund(shop, token, { orderId: id }, tally),
      ])
      break
    case 'refund of one ticket':
      await refund(shop, token, { orderId: id, ticketIds: [ticket_id] }, tally)
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
  count(tally, move)
}

async function refund(shop: Shop, token: string, what: object, tally: Tally): Promise<void> {
  for (let attempt = 1; attempt <= REFUND_ATTEMPTS_MAX; attempt++) {
    const answer = await post(
      `${shop.serverUrl()}/functions/v1/process-refund`,
      JSON.stringify({ ...what, reason: 'chaos' }),
      { authorization: `Bearer ${token}` },
    )
    // 409: the other click of the two has it, or an earlier try of this one that was cut off.
    const fine =
      answer === undefined || answer.status >= 500 || answer.status === 200 || answer.status === 409
    count(tally, `${fine ? '' : UNEXPECTED}refund: ${answer?.status ?? 'cut off'}`)
    if (answer !== undefined && answer.status < 500) return
    await pause(REFUND_RETRY_MS)
  }
}

const REFUND_ATTEMPTS_MAX = 10
const REFUND_RETRY_MS = 500

const QUIET_MS_MAX = 180_000

/** Until every delivery is done and nothing is left to ask. Waiting times of the jobs pass faster than they would. */
async function untilQuiet(
  { client, standIn, signal }: ChaosWorld,
  { note, quietMsMax = QUIET_MS_MAX }: ChaosOptions,
): Promise<string> {
  const until = Date.now() + quietMsMax
  for (;;) {
    signal.throwIfAborted()
    const { pending } = await control<{ pending: number }>(standIn, 'deliveries?wait=idle&seconds=20')
    const { rows } = await client.query<{
      sessions: number
      refunds: number
      payments: number
      orders: number
    }>(`
      select (select count(*)::int from ticketing.checkout_sessions where ask_at is not null) as sessions,
        (select count(*)::int from ticketing.refunds where ask_at is not null) as refunds,
        (select count(*)::int from ticketing.payments where ask_at is not null) as payments,
        (select count(*)::int from orders where status = 'pending') as orders`)
    const left = { ...rows[0], deliveries: pending }
    if (Object.values(left).every((n) => n === 0)) return ''
    const told = Object.entries(left)
      .map(([what, n]) => `${n} ${what}`)
      .join(', ')
    if (Date.now() > until) return told
    note(`waiting until it is quiet: ${told}`)
    for (const table of ['checkout_sessions', 'refunds', 'payments'])
      await client.query(
        `update ticketing.${table} set ask_at = now() where ask_at > now() + interval '1 second'`,
      )
    await pause(1_000)
  }
}
