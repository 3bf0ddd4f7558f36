import { randomUUID } from 'node:crypto'
import { makeFixture } from '../fixtures/fixtures.ts'
import type { Recorder } from '../history/recorder.ts'
import { control } from '../stand-in.ts'
import type { FaultPlan, PlannedFault } from './fault-plan.ts'
import { hear, type Judgement } from './hearing.ts'
import { type Balance, balance } from './judge.ts'
import { untilQuiet } from './quiet.ts'
import { type FragileWorld, type House, strike } from './strikes.ts'
import { hurry } from './webhook-chaos.ts'
import { buyUntil, openWitness, RETRY_MS, type Till, type Witness } from './witness.ts'
import { type Counts, count, type MortalServer, pause, post, postOperation, UNEXPECTED } from './world.ts'

export interface RandomFaultsResult extends Judgement {
  readonly counts: ReadonlyMap<string, number>
  readonly balance: Balance
  /** What did not come to its end, in words; empty when all did. */
  readonly unfinished: string
  /** After which fault nobody was sold anything any more; undefined: it sold again after each. */
  readonly stuckAfter: string | undefined
  /** From the end of each fault until an order is acknowledged that was asked for after it. */
  readonly silencesMs: readonly number[]
}

const FREE_BUYERS = 6
const PAYING_BUYERS = 3
const STOCK = 100_000
const FREE = 'gift'
const SALE_MS_MAX = 30_000
/** How long after a fault nobody may be sold anything; packets that vanish are noticed after ten seconds. */
const SILENCE_MS_MAX = 60_000
const QUIET_MS_MAX = 60_000
const PATIENCE_MS_MAX = 60_000

/** Fault injection: the faults of a plan one after another, under load; afterwards the witness and the books are heard. */
export async function randomFaults(
  world: FragileWorld,
  { faults }: FaultPlan,
  { report, recorder }: { readonly report: (text: string) => void; readonly recorder: Recorder },
): Promise<RandomFaultsResult> {
  const counts: Counts = new Map()
  const witness = openWitness()
  const { eventId, tierId } = await openSale(world)
  recorder.keepLedger(eventId)
  const house = await openHouse(world)
  const till: Till = { serverUrl: house.url, eventId, tier: FREE, recorder }
  try {
    const sale = await sellThrough(world, { house, till, tierId, witness, counts, faults, report })
    report('Unknown outcomes are resolved, and the books compared')
    const judgement = await hear(world.connect, till, witness, counts)
    return { ...judgement, ...sale, counts, ...(await closeBooks(world, eventId, report)) }
  } finally {
    await house.stop()
  }
}

async function openSale({ connect, standIn, staffToken, signal, startServer }: FragileWorld) {
  const client = await connect()
  try {
    const fixture = await makeFixture(client, 'ticketing-flow', { stock: STOCK })
    await client.query(
      `insert into ticket_tiers (event_id, slug, name, total_quantity, max_per_order, currency)
       select id, $2, 'Gift', $3, null, currency from events where id = $1`,
      [fixture.eventId, FREE, STOCK],
    )
    await hurry({ client, standIn, staffToken, signal, startServer })
    return fixture
  } finally {
    await client.end()
  }
}

async function openHouse(world: FragileWorld): Promise<House & { stop(): Promise<void> }> {
  let server: MortalServer = await world.startServer()
  return {
    url: () => server.url,
    kill: () => server.kill(),
    start: async (clockShiftMs) => {
      server = await world.startServer(clockShiftMs)
    },
    stop: () => server.stop(),
  }
}

interface Sale {
  readonly house: House
  readonly till: Till
  readonly tierId: string
  readonly witness: Witness
  readonly counts: Counts
  readonly faults: readonly PlannedFault[]
  readonly report: (text: string) => void
}

async function sellThrough(
  world: FragileWorld,
  { house, till, tierId, witness, counts, faults, report }: Sale,
): Promise<Pick<RandomFaultsResult, 'stuckAfter' | 'silencesMs'>> {
  let isClosed = false
  let healedMs = Number.POSITIVE_INFINITY
  let soldMs: number | undefined
  const onTold = (askedMs: number) => {
    if (askedMs > healedMs) soldMs ??= performance.now()
  }
  const isOver = () => isClosed || world.signal.aborted
  const buying = [
    ...Array.from({ length: FREE_BUYERS }, () => buyUntil(isOver, till, witness, counts, onTold)),
    ...Array.from({ length: PAYING_BUYERS }, () => payUntil(isOver, till, tierId, counts)),
  ]
  const silencesMs: number[] = []
  try {
    for (const planned of faults) {
      const enough = witness.told.size + planned.after
      await until(() => isOver() || witness.told.size >= enough, SALE_MS_MAX)
      report(`${planned.fault}, after ${witness.told.size} orders`)
      soldMs = undefined
      healedMs = Number.POSITIVE_INFINITY
      const endFault = till.recorder.beginFault(planned.fault)
      if (await strike(world, house, planned)) count(counts, planned.fault)
      endFault()
      healedMs = performance.now()
      if (!(await until(() => isOver() || soldMs !== undefined, SILENCE_MS_MAX)))
        return { stuckAfter: planned.fault, silencesMs }
      silencesMs.push(performance.now() - healedMs)
    }
    return { stuckAfter: undefined, silencesMs }
  } finally {
    isClosed = true
    await Promise.all(buying)
  }
}

async function until(isTrue: () => boolean, msMax: number): Promise<boolean> {
  for (const end = performance.now() + msMax; !isTrue(); await pause(5))
    if (performance.now() > end) return false
  return true
}

/** One paying buyer after another; the last one finishes when it is over. */
async function payUntil(
  isOver: () => boolean,
  { serverUrl, eventId, recorder }: Till,
  tierId: string,
  counts: Counts,
): Promise<void> {
  while (!isOver()) {
    const key = randomUUID()
    const body = JSON.stringify({
      eventId,
      tickets: [{ ticketTypeId: tierId, quantity: 1 }],
      customerEmail: `${key}@paying.example.org`,
      customerName: 'Grace',
      successUrl: 'http://127.0.0.1/success',
      cancelUrl: 'http://127.0.0.1/cancel',
    })
    const operation = {
      operation: 'checkout',
      key,
      asked: { event: eventId, tiers: { [tierId]: 1 } },
    } as const
    const ask = () =>
      postOperation(recorder, 'paying buyer', operation, () =>
        post(`${serverUrl()}/functions/v1/create-checkout-session`, body, { 'idempotency-key': key }),
      )
    const order = await placeOrder(ask, counts)
    if (order === undefined) continue
    const payment = { operation: 'pay', asked: { order: String(order['orderId']) } } as const
    const paid = await postOperation(recorder, 'paying buyer', payment, () =>
      post(String(order['url']), JSON.stringify(GOOD_CARD), { accept: 'application/json' }),
    )
    count(counts, `pay page: ${String(paid?.body['status'] ?? paid?.status ?? 'no answer')}`)
  }
}

const GOOD_CARD = { card: '4242424242424242' }

/** The order and where to pay it, asked for until it is told; undefined where it is refused. */
async function placeOrder(
  ask: () => ReturnType<typeof post>,
  counts: Counts,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  for (const end = performance.now() + PATIENCE_MS_MAX; performance.now() < end; await pause(RETRY_MS)) {
    const answer = await ask()
    const code = answer?.body['code']
    if (answer?.status === 200) {
      count(counts, 'checkout: held')
      return answer.body
    }
    if (answer === undefined) count(counts, 'checkout cut off')
    else if (answer.status === 503) count(counts, `checkout: ${code}`)
    else if (code === 'HOLD_EXPIRED') {
      count(counts, 'checkout: HOLD_EXPIRED')
      return undefined
    } else {
      count(counts, `${UNEXPECTED}checkout to pay: ${answer.status} ${code}`)
      return undefined
    }
  }
  count(counts, `${UNEXPECTED}checkout to pay: no definite answer`)
  return undefined
}

/** Waits until nothing is on its way, and compares the provider's books with ours. */
async function closeBooks(
  { connect, ...world }: FragileWorld,
  eventId: string,
  report: (text: string) => void,
): Promise<Pick<RandomFaultsResult, 'balance' | 'unfinished'>> {
  await control(world.standIn, 'chaos', null)
  const client = await connect()
  try {
    const unfinished = await untilQuiet({ ...world, client }, { report, quietMsMax: QUIET_MS_MAX })
    return { unfinished, balance: await balance({ ...world, client }, eventId) }
  } finally {
    await client.end()
  }
}
