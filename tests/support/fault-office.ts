import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { newHome, startOffice } from '../cli/support.ts'

/** A server as a process of its own, and what buyers and an operator see of it while something is broken. */
export interface FaultOffice {
  readonly url: string
  isAlive(): boolean
  output(): string
  /** SIGTERM, as service managers send it; its exit code. */
  stop(): Promise<number | null>
  /** Buyers order all the time; after a while `strike`, and when it is over and they order again, judge. */
  during(strike: () => Promise<void>): Promise<Seen>
  healthCode(): Promise<string>
  /** Orders one ticket under this idempotency key. */
  order(key: string): Promise<Answer>
}

export interface Seen {
  /** How often each status and code was answered. */
  readonly answers: ReadonlyMap<string, number>
  /** What health said besides 200, once each. */
  readonly health: ReadonlySet<string>
  /** The longest time in which no order succeeded. */
  readonly silenceMs: number
  /** From the end of the strike until an order succeeds that began after it. */
  readonly recoveryMs: number
  /** Idempotency keys that were answered with success, and the order of each. */
  readonly acknowledged: ReadonlyMap<string, string>
  /** Keys that were answered with two orders. */
  readonly twice: readonly string[]
}

/** What buyers and an operator may see of a fault. */
export interface Expected {
  /** Answers that must have been given; no other but 200 may. With none of them all calls may have waited until it was over. */
  readonly answers: readonly string[]
  /** May be given besides: who met it first, or last. */
  readonly perhaps?: readonly string[]
  /** Health said one of these; none where it is over too soon to be seen for sure. */
  readonly health: readonly string[]
  readonly silenceMsMax: number
}

const BUYERS = 6
const LULL_MS = 1_500
const RECOVERY_MS_MAX = 60_000
/** Buyers order all the time: no success for so long is a fault that they met. */
const WAITED_MS_MIN = 2_000
const ANSWER_MS_MAX = 30_000

/** Made by the first office of a database. */
const SALE = `
  with b as (insert into businesses (slug, name) values ('faults', 'Faults') on conflict do nothing returning id),
    e as (insert into events (business_id, slug, title, start_at, end_at, status)
      select id, 'faults', 'Faults', now() + interval '1 day', now() + interval '2 days', 'published' from b returning id, currency)
  insert into ticket_tiers (event_id, slug, name, price_cents, currency, total_quantity)
    select id, 'floor', 'Floor', 0, currency, 1000000 from e`

/** `databaseUrl` is what the server gets; `adminUrl` leads to the same database beside all faults. */
export async function openFaultOffice(
  databaseUrl: string,
  adminUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<FaultOffice> {
  const office = await startOffice(
    { ADMIT_ONCE_HOME: newHome(), DATABASE_URL: databaseUrl, ...env },
    '--no-demo',
  )
  let isAlive = true
  const ended = office.ended.finally(() => {
    isAlive = false
  })
  after(async () => {
    if (isAlive) office.signal('SIGKILL', 'process')
    await ended
  })
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  await admin.query(SALE)
  await admin.end()
  const order = (key: string) => orderAt(office.url, office.anonKey, key)
  const healthCode = async () => (await answerOf(`${office.url}/functions/v1/health-check`, {})).code
  return {
    url: office.url,
    isAlive: () => isAlive,
    output: office.output,
    stop: async () => {
      office.signal('SIGTERM', 'process')
      return (await ended).code
    },
    healthCode,
    order,
    during: (strike) => observe(order, healthCode, strike),
  }
}

interface Answer {
  readonly code: string
  readonly orderId: string | undefined
}

function orderAt(url: string, anonKey: string, key: string): Promise<Answer> {
  return answerOf(`${url}/functions/v1/create-ticket-checkout`, {
    method: 'POST',
    headers: { apikey: anonKey, 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify({
      eventId: 'faults',
      items: [{ tierId: 'floor', quantity: 1 }],
      customerName: 'Ada',
      customerEmail: 'ada@example.org',
    }),
  })
}

async function answerOf(url: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    const body = (await response.json()) as { code?: string; orderId?: string }
    const retry =
      response.status === 503 && !response.headers.has('retry-after') ? ' without Retry-After' : ''
    return { code: `${response.status} ${body.code ?? ''}`.trim() + retry, orderId: body.orderId }
  } catch (error) {
    return { code: `no answer: ${error instanceof Error ? error.name : error}`, orderId: undefined }
  }
}

async function observe(
  order: (key: string) => Promise<Answer>,
  healthCode: () => Promise<string>,
  strike: () => Promise<void>,
): Promise<Seen> {
  const answers = new Map<string, number>()
  const health = new Set<string>()
  const acknowledged = new Map<string, string>()
  const twice: string[] = []
  const succeededMs: number[] = [performance.now()]
  let healedMs = Number.POSITIVE_INFINITY
  let recoveredMs: number | undefined
  let isOver = false
  const buy = async () => {
    for (let key = randomUUID(); !isOver; ) {
      const begunMs = performance.now()
      const { code, orderId } = await order(key)
      answers.set(code, (answers.get(code) ?? 0) + 1)
      if (orderId === undefined) await delay(100)
      else {
        succeededMs.push(performance.now())
        if (begunMs > healedMs) recoveredMs ??= performance.now()
        const known = acknowledged.get(key)
        if (known !== undefined && known !== orderId) twice.push(key)
        acknowledged.set(key, orderId)
        // Now and then an answer is lost, and the buyer asks again.
        if (known !== undefined || succeededMs.length % 7 !== 0) key = randomUUID()
      }
    }
  }
  const look = async () => {
    for (; !isOver; await delay(200)) {
      const code = await healthCode()
      if (code !== '200') health.add(code)
    }
  }
  const all = [...Array.from({ length: BUYERS }, buy), look()]
  try {
    await delay(LULL_MS)
    await strike()
    healedMs = performance.now()
    for (; recoveredMs === undefined; await delay(20))
      assert.ok(performance.now() - healedMs < RECOVERY_MS_MAX, `no order any more: ${[...answers]}`)
    await delay(LULL_MS)
  } finally {
    isOver = true
    await Promise.all(all)
  }
  const gaps = succeededMs.slice(1).map((ms, n) => ms - (succeededMs[n] ?? ms))
  return {
    ...{ answers, health, acknowledged, twice },
    silenceMs: Math.round(Math.max(...gaps)),
    recoveryMs: Math.round((recoveredMs ?? healedMs) - healedMs),
  }
}

/** The server lived, and answered what it may and nothing else. */
export function assertAnswers(
  office: FaultOffice,
  { answers, health, silenceMs }: Seen,
  { answers: must, perhaps = [], health: unwell, silenceMsMax }: Expected,
): void {
  assert.ok(office.isAlive(), office.output())
  const codes = [...answers.keys()].filter((code) => code !== '200')
  const isWaitedOut = must.length === 0 && silenceMs >= WAITED_MS_MIN
  assert.ok(codes.length > 0 || isWaitedOut, `no call met it: silence of ${silenceMs} ms`)
  for (const code of must) assert.ok(codes.includes(code), `${code} is missing: ${codes}`)
  const others = codes.filter((code) => ![...must, ...perhaps].includes(code))
  assert.deepEqual(others, [], office.output().slice(-2_000))
  if (unwell.length > 0)
    assert.ok(
      [...health].some((code) => unwell.includes(code)),
      `health: ${[...health]}`,
    )
  assert.ok(silenceMs < silenceMsMax, `silence of ${silenceMs} ms`)
}

/** The page for operators has a row of this name, with what callers get and what health says. */
export function assertDocumented(name: string, { answers, perhaps = [], health }: Expected): void {
  const row = CONDITIONS_PAGE.split('\n').find((line) => line.startsWith(`| ${name} |`))
  assert.ok(row !== undefined, `docs/operating/database-conditions.md has no "${name}"`)
  const [told = [], said = []] = row
    .split(' | ')
    .slice(1)
    .map((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => `503 ${code}`))
  assert.deepEqual(told, [...answers, ...perhaps])
  assert.deepEqual(said, health)
}

const CONDITIONS_PAGE = readFileSync(
  new URL('../../docs/operating/database-conditions.md', import.meta.url),
  'utf8',
)

/** All that was acknowledged is there, once, with its ticket; `ask` asks the database that counts. */
export async function assertKept(
  { acknowledged, twice }: Seen,
  ask: <Row extends object>(sql: string, values?: readonly unknown[]) => Promise<Row[]>,
): Promise<void> {
  const orders = [...new Set(acknowledged.values())]
  assert.ok(orders.length > 10, `${orders.length} orders are too few to say anything`)
  assert.deepEqual(twice, [])
  const lost = await ask<{ id: string }>(
    'select a.id from unnest($1::uuid[]) a (id) where not exists (select from tickets t where t.order_id = a.id)',
    [orders],
  )
  assert.deepEqual(lost, [], 'acknowledged and not there')
  assert.deepEqual(await ask('select law, rows from ticketing.broken_laws()'), [])
}

/** The figures of a fault, beside its test. */
export function report(
  t: { diagnostic(text: string): void },
  { answers, health, silenceMs, recoveryMs }: Seen,
): void {
  const given = [...answers].map(([code, times]) => `${times} × ${code}`).join(', ')
  const said = [...health].join(', ') || '200'
  t.diagnostic(`${given}; health: ${said}; silence ${silenceMs} ms, ${recoveryMs} ms after its end`)
}
