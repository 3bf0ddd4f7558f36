import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { makeFixture } from '../fixtures/fixtures.ts'
import { type Counts, count, type MortalServer, pause, post, UNEXPECTED } from './world.ts'

/** A server and a PostgreSQL that may be killed. */
export interface MortalWorld {
  /** Starts a server, or starts it again. */
  readonly startServer: () => Promise<MortalServer>
  /** SIGKILL to every process of PostgreSQL at once; fulfilled when it runs again. */
  readonly killDatabase: () => Promise<void>
  /** A new connection: none outlives the database. */
  readonly connect: () => Promise<Client>
  readonly signal: AbortSignal
}

interface SuddenDeathOptions {
  /** So often everything dies. */
  readonly deaths: number
  readonly report: (text: string) => void
}

export interface SuddenDeathResult {
  readonly counts: ReadonlyMap<string, number>
  readonly acknowledged: number
  /** Acknowledged orders that are not there with their ticket. */
  readonly lost: readonly string[]
  /** Keys whose second answer is not their first. */
  readonly changed: readonly object[]
  readonly brokenLaws: readonly { readonly law: string; readonly witnesses: unknown }[]
}

const BUYERS_AT_ONCE = 20
const STOCK = 100_000
/** Answers before everything dies, and for how long those are waited for. */
const ANSWERS_MIN = 100
const SALE_MS_MAX = 30_000

/**
 * Crash consistency: buyers write down what they were told, and server and PostgreSQL are killed in the middle of it, all
 * processes at once. Afterwards all of it must be there: PostgreSQL has it, and the same key gets the same order.
 */
export async function suddenDeath(
  world: MortalWorld,
  { deaths, report }: SuddenDeathOptions,
): Promise<SuddenDeathResult> {
  const counts: Counts = new Map()
  const answered = new Map<string, string>()
  const eventId = await withClient(world, async (client) => {
    return (await makeFixture(client, 'concurrent-checkout', { stock: STOCK })).eventId
  })
  let server = await world.startServer()
  try {
    for (let death = 1; death <= deaths && !world.signal.aborted; death++) {
      report(`Buyers write down what they are told; death ${death} of ${deaths}`)
      const restarted = await sellUntilDeath(world, server, eventId, answered, counts)
      await restarted
      count(counts, 'everything killed')
      server = await world.startServer()
    }
    const changed = await askAgain(server.url, eventId, answered, counts)
    const [lost, brokenLaws] = await withClient(world, (client) => judge(client, answered))
    return { counts, acknowledged: answered.size, lost, changed, brokenLaws }
  } finally {
    await server.stop()
  }
}

/** Both die at one moment: no answer may be on its way that the database has not. */
async function sellUntilDeath(
  world: MortalWorld,
  server: MortalServer,
  eventId: string,
  answered: Map<string, string>,
  counts: Counts,
): Promise<Promise<void>> {
  const enough = answered.size + ANSWERS_MIN
  const end = performance.now() + SALE_MS_MAX
  let isDead = false
  const buy = async () => {
    while (!isDead && performance.now() < end) {
      const key = randomUUID()
      const orderId = await order(server.url, eventId, key, counts)
      if (orderId !== undefined) answered.set(key, orderId)
      // Nobody waits for a server that is gone.
      else await pause(5)
    }
  }
  const buying = Array.from({ length: BUYERS_AT_ONCE }, buy)
  while (answered.size < enough && performance.now() < end && !world.signal.aborted) await pause(1)
  const killed = server.kill()
  const restarted = world.killDatabase()
  restarted.catch(() => undefined)
  await killed
  isDead = true
  await Promise.all(buying)
  return restarted
}

async function order(url: string, eventId: string, key: string, counts: Counts): Promise<string | undefined> {
  const body = { eventId, items: [{ tierId: 'general-admission', quantity: 1 }], ...ADA }
  const answer = await post(`${url}/functions/v1/create-ticket-checkout`, JSON.stringify(body), {
    'idempotency-key': key,
  })
  if (answer === undefined) count(counts, 'checkout cut off')
  else if (answer.status === 200) count(counts, 'checkout: success')
  else if (answer.status === 503) count(counts, `checkout: ${answer.body['code']}`)
  else count(counts, `${UNEXPECTED}checkout: ${answer.status} ${answer.body['code']}`)
  const orderId = answer?.status === 200 ? answer.body['orderId'] : undefined
  return typeof orderId === 'string' ? orderId : undefined
}

const ADA = { customerName: 'Ada', customerEmail: 'ada@example.org' }

async function askAgain(
  url: string,
  eventId: string,
  answered: ReadonlyMap<string, string>,
  counts: Counts,
): Promise<object[]> {
  const changed: object[] = []
  const keys = [...answered]
  const ask = async () => {
    for (let next = keys.pop(); next !== undefined; next = keys.pop()) {
      const [key, first] = next
      const second = await order(url, eventId, key, counts)
      if (second !== first) changed.push({ key, first, second: second ?? null })
    }
  }
  await Promise.all(Array.from({ length: BUYERS_AT_ONCE }, ask))
  return changed
}

async function judge(client: Client, answered: ReadonlyMap<string, string>) {
  const { rows } = await client.query<{ id: string }>(
    'select a.id from unnest($1::uuid[]) a (id) where not exists (select from tickets t where t.order_id = a.id)',
    [[...answered.values()]],
  )
  const laws = await client.query<{ law: string; witnesses: unknown }>(
    'select law, witnesses from ticketing.broken_laws()',
  )
  return [rows.map(({ id }) => id), laws.rows] as const
}

async function withClient<T>(world: MortalWorld, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await world.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
