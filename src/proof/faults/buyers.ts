import { type Random, randomFrom } from '../../core/random.ts'
import type { Recorder } from '../history/recorder.ts'
import { type ChaosWorld, type Counts, count, pause, pick, post, postOperation, UNEXPECTED } from './world.ts'

/** How a buyer behaves after the checkout. */
const BEHAVIOURS = [
  [48, 'pays'],
  [8, 'is declined first'],
  [12, 'pays late'],
  [6, 'clicks pay twice'],
  [12, 'pays by bank debit'],
  [4, 'has a bank debit that fails'],
  [10, 'walks away'],
] as const

type Behaviour = (typeof BEHAVIOURS)[number][1]

/** The first buyers' behaviour is fixed, not random, so that each kind happens in a short run too. */
const DEALT: readonly Behaviour[] = [
  'has a bank debit that fails',
  'pays by bank debit',
  'is declined first',
  'pays late',
  'clicks pay twice',
  'walks away',
]

export interface Shop {
  readonly eventId: string
  readonly tierIds: readonly string[]
  /** The server's address now: it changes when the server is killed. */
  readonly serverUrl: () => string
  /** Waits for a server that is being started again. */
  readonly waitForServer: () => Promise<unknown>
  /** Lifetime of a hold, in milliseconds. */
  readonly holdMs: number
  readonly recorder: Recorder
}

/** One buyer, from checkout to payment; a lost answer is retried under the same idempotency key. */
export async function buyAndPay(
  world: ChaosWorld,
  shop: Shop,
  seed: number,
  buyer: number,
  counts: Counts,
): Promise<void> {
  const random = randomFrom(seed * 7919 + buyer)
  const order = await checkOut(world, shop, random, seed, buyer, counts)
  if (order === undefined) return
  const behaviour = DEALT[buyer] ?? pick(random, BEHAVIOURS)
  count(counts, `buyer ${behaviour}`)
  await pay(world, shop, order, behaviour, counts)
}

interface PlacedOrder {
  readonly id: string
  /** Where the provider takes the money. */
  readonly url: string
  readonly buyer: number
}

async function checkOut(
  world: ChaosWorld,
  shop: Shop,
  random: Random,
  seed: number,
  buyer: number,
  counts: Counts,
): Promise<PlacedOrder | undefined> {
  const tickets = shop.tierIds
    .filter((_, index) => index === 0 || random.below(3) === 0)
    .map((ticketTypeId) => ({ ticketTypeId, quantity: 1 + random.below(2) }))
  const body = JSON.stringify({
    eventId: shop.eventId,
    tickets,
    customerEmail: `buyer-${buyer}@example.org`,
    customerName: `Buyer ${buyer}`,
    successUrl: 'http://127.0.0.1/success',
    cancelUrl: 'http://127.0.0.1/cancel',
  })
  const key = `chaos-${seed}-${buyer}`
  const tiers = Object.fromEntries(tickets.map(({ ticketTypeId, quantity }) => [ticketTypeId, quantity]))
  const operation = { operation: 'checkout', key, asked: { event: shop.eventId, tiers } } as const
  for (let attempt = 1; attempt <= ATTEMPTS_MAX && !world.signal.aborted; attempt++) {
    const click = () =>
      postOperation(shop.recorder, `buyer ${buyer}`, operation, () =>
        post(`${shop.serverUrl()}/functions/v1/create-checkout-session`, body, { 'idempotency-key': key }),
      )
    // A double click: two requests under one key are one order.
    const clicks = buyer % CLICKS_TWICE_EVERY === 0 && attempt === 1 ? [click(), click()] : [click()]
    const answers = await Promise.all(clicks)
    const answer = answers.find((each) => each?.status === 200) ?? answers[0]
    if (answer?.status === 200) {
      count(counts, 'checkout: held')
      return { id: String(answer.body['orderId']), url: String(answer.body['url']), buyer }
    }
    const code = answer?.body['code']
    if (code === 'INSUFFICIENT_TICKETS') {
      // Released tickets come back: who retries gets them, also those of a payment that then comes too late.
      count(counts, 'checkout: sold out')
      await pause(SOLD_OUT_MS)
    } else if (answer !== undefined && answer.status < 500 && answer.status !== 429) {
      count(
        counts,
        code === 'HOLD_EXPIRED'
          ? 'checkout refused: HOLD_EXPIRED'
          : `${UNEXPECTED}checkout: ${answer.status} ${String(code)}`,
      )
      return undefined
    } else {
      count(counts, answer === undefined ? 'checkout cut off' : `checkout answered ${answer.status}`)
      // Patience is counted in answers, not in the seconds that this machine needs to start a server.
      await shop.waitForServer()
    }
    await pause(RETRY_MS * (0.5 + random.below(100) / 100))
  }
  count(counts, 'buyer gives up')
  return undefined
}

async function pay(
  world: ChaosWorld,
  shop: Shop,
  { id, url, buyer }: PlacedOrder,
  behaviour: Behaviour,
  counts: Counts,
): Promise<void> {
  const send = async (body: object) => {
    const request = () => post(url, JSON.stringify(body), { accept: 'application/json' })
    // A debit that is authorised is no payment yet.
    const answer = await ('card' in body
      ? postOperation(shop.recorder, `buyer ${buyer}`, { operation: 'pay', asked: { order: id } }, request)
      : request())
    count(counts, `pay page: ${String(answer?.body['status'] ?? answer?.status ?? 'no answer')}`)
  }
  switch (behaviour) {
    case 'walks away':
      return
    case 'pays':
      return send(GOOD)
    case 'is declined first':
      await send(DECLINED)
      return send(GOOD)
    case 'pays late':
      // Just before the hold ends, while the session is being expired: either may win.
      await pause(shop.holdMs * 0.9)
      return send(GOOD)
    case 'clicks pay twice':
      await Promise.all([send(GOOD), send(GOOD)])
      return
    case 'pays by bank debit':
      return send({
        method: 'bank_debit',
        outcome: 'succeeds',
        after_seconds: world.standIn.timeScale * DEBIT_S,
      })
    case 'has a bank debit that fails':
      return send({
        method: 'bank_debit',
        outcome: 'fails',
        after_seconds: world.standIn.timeScale * DEBIT_S,
      })
  }
}

const GOOD = { card: '4242424242424242' }
const DECLINED = { card: '4000000000000002' }
/** Seconds of real time, longer than any hold lives. */
const DEBIT_S = 8
const CLICKS_TWICE_EVERY = 5
const ATTEMPTS_MAX = 14
const SOLD_OUT_MS = 500
const RETRY_MS = 300
