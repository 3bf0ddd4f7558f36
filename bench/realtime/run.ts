import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pg from 'pg'
import { type ApiKeys, deriveKeys, mintToken } from '../../src/api/keys.ts'
import { startEmbedded } from '../../src/embedded/embedded.ts'
import type { Sale, Sold } from './buyers.ts'
import type { Judged, Order, Viewer } from './viewers.ts'

const SOCKETS = Number(process.env['SOCKETS'] ?? 1_000)
const HOLDS_PER_SECOND = Number(process.env['HOLDS_PER_SECOND'] ?? 500)
const EVENTS = Number(process.env['EVENTS'] ?? 50)
const ROUNDS = Number(process.env['ROUNDS'] ?? 5)
const ROUND_MS = 10_000
/** Of the sockets: organisers who watch every tier and order, and buyers who watch their holds; the rest watch one event. */
const ORGANISERS = 0.02
const BUYERS = 0.1
const STOCK = 10_000_000
const QUIET_MS_MAX = 60_000
const JWT_SECRET = 'of a bench, and of no secret at all'

const HOUSE = `
  with b as (insert into businesses (slug, name) values ('bench', 'Bench') returning id),
    s as (insert into business_staff (business_id, user_id, role) select id, unnest($3::uuid[]), 'manager' from b),
    e as (insert into events (business_id, slug, title, start_at, end_at, status)
      select id, 'bench-' || n, 'Bench', now() + interval '1 day', now() + interval '2 days', 'published'
      from b, generate_series(1, $2::int) n returning id, currency)
  insert into ticket_tiers (event_id, slug, name, price_cents, currency, total_quantity)
    select id, 'floor', 'Floor', 0, currency, $1 from e returning id, event_id as event`

interface Tier {
  readonly id: string
  readonly event: string
}

interface Person {
  readonly user: string
  readonly token: string
}

const keys = await deriveKeys(JWT_SECRET)
const folder = await mkdtemp(join(tmpdir(), 'admit-once-bench-'))
const cluster = await startEmbedded({ dataFolder: join(folder, 'data'), ephemeral: true })
const children: ChildProcess[] = []
try {
  await measure()
} finally {
  for (const child of children) child.kill()
  await cluster.stop()
  await rm(folder, { recursive: true, force: true })
}

async function measure(): Promise<void> {
  const server = await serve(process.argv[2] ?? '.')
  const client = new pg.Client({ connectionString: cluster.url })
  client.on('error', () => {})
  await client.connect()
  try {
    const organisers = await persons(ORGANISERS * SOCKETS)
    const buyers = await persons(BUYERS * SOCKETS)
    const staff = organisers.map(({ user }) => user)
    const { rows: tiers } = await client.query<Tier>(HOUSE, [STOCK, EVENTS, staff])
    const audience = viewersOf(tiers, organisers, buyers, keys)
    const [viewers, sellers] = [startChild('viewers'), startChild('buyers')]
    const before = await figures(server.url)
    await ask(viewers, { kind: 'open', url: server.url, viewers: audience } satisfies Order)
    const opened = await figures(server.url)
    console.log(
      `${audience.length} sockets: ${organisers.length} watch all tiers and orders, ${buyers.length} their own holds and an event, the rest one of ${EVENTS} events; ${HOLDS_PER_SECOND} holds/s for ${ROUND_MS / 1000} s a round, ${availableParallelism()} cores`,
    )
    const tierIds = tiers.map(({ id }) => id)
    const sale = { url: server.url, key: keys.publishable, tiers: tierIds, buyers, ms: ROUND_MS }
    for (let round = 1; round <= ROUNDS; round++) {
      await playRound(round, { ...sale, perSecond: HOLDS_PER_SECOND }, viewers, sellers, server.url)
    }
    const after = await figures(server.url)
    await ask(viewers, { kind: 'close' } satisfies Order)
    const closed = await quietFigures(server.url, client)
    print(
      'resident MiB',
      [before, opened, after, closed].map(({ residentBytes }) => residentBytes / 2 ** 20),
    )
    print(
      'heap in use MiB',
      [before, opened, after, closed].map(({ heapBytes }) => heapBytes / 2 ** 20),
    )
  } finally {
    await client.end()
    await server.stop()
  }
}

async function serve(root: string) {
  const { serveFrom } = (await import(pathToFileURL(join(resolve(root), 'src/cli/serve-from.ts')).href)) as {
    serveFrom(
      databaseUrl: string,
      jwtSecret: string,
      environment: Readonly<Record<string, string>>,
    ): Promise<{ readonly url: string; stop(): Promise<void> }>
  }
  return serveFrom(cluster.url, JWT_SECRET, { ADMIT_ONCE_HOME: join(folder, 'home') })
}

function persons(count: number): Promise<Person[]> {
  return Promise.all(
    Array.from({ length: Math.round(count) }, async () => {
      const user = randomUUID()
      return { user, token: await mintToken(JWT_SECRET, { sub: user }) }
    }),
  )
}

/** What people open: the page of an event, their own cart beside it, the organiser's dashboard of everything. */
function viewersOf(
  tiers: readonly Tier[],
  organisers: readonly Person[],
  buyers: readonly Person[],
  { publishable: key }: ApiKeys,
): readonly Viewer[] {
  const on = (table: string, event: string, filter?: string) => ({
    event,
    schema: 'public',
    table,
    ...(filter === undefined ? {} : { filter }),
  })
  const pageOf = (n: number) => {
    const { id = '', event = '' } = tiers[n % tiers.length] ?? {}
    return {
      topic: `realtime:event-${event}`,
      tiers: [id],
      bindings: [on('ticket_tiers', 'UPDATE', `event_id=eq.${event}`)],
    }
  }
  const dashboards = organisers.map((person) => ({
    ...person,
    key,
    topic: 'realtime:dashboard',
    tiers: tiers.map(({ id }) => id),
    bindings: [on('ticket_tiers', '*'), on('orders', '*')],
  }))
  const carts = buyers.map((person, n) => {
    const page = pageOf(n)
    return { ...person, ...page, key, bindings: [...page.bindings, on('ticket_holds', '*')] }
  })
  const rest = SOCKETS - dashboards.length - carts.length
  return [...dashboards, ...carts, ...Array.from({ length: rest }, (_, n) => ({ ...pageOf(n), key }))]
}

async function playRound(
  round: number,
  sale: Sale,
  viewers: ChildProcess,
  sellers: ChildProcess,
  url: string,
): Promise<void> {
  const before = await figures(url)
  const sold = (await ask(sellers, sale)) as Sold
  const judged = (await ask(viewers, { kind: 'judge', holds: sold.holds } satisfies Order)) as Judged
  const after = await figures(url)
  const { heard, missing, twice, strange } = judged
  if (missing + twice + strange > 0) {
    throw new Error(
      `the changes do not add up: ${heard} heard, ${missing} missing, ${twice} heard twice, ${strange} that nobody made`,
    )
  }
  const seconds = (after.atMs - before.atMs) / 1000
  const share = (cpu: number) => `${(100 * cpu).toFixed(0)} %`
  console.log(`round ${round}: ${sold.holds.length} holds, ${heard} changes heard, each once (${(heard / (ROUND_MS / 1000)).toFixed(0)}/s)
  from the answer    ${percentiles(judged.fromAnswerMs)}
  from the commit    ${percentiles(judged.fromCommitMs)}
  a hold's answer    ${percentiles(sold.answerMs)}; generator late by ${sold.lateMsMax.toFixed(0)} ms at most
  of a core: server ${share((after.cpuSeconds - before.cpuSeconds) / seconds)}, viewers ${share(judged.cpu)}, buyers ${share(sold.cpu)}; load ${loadavg()[0]?.toFixed(1)}`)
}

interface Figures {
  readonly atMs: number
  readonly residentBytes: number
  readonly heapBytes: number
  readonly cpuSeconds: number
  readonly sockets: number
}

async function figures(url: string): Promise<Figures> {
  const text = await (await fetch(`${url}/metrics`, { headers: { apikey: keys.secret } })).text()
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
  return {
    atMs: performance.now(),
    residentBytes: value('process_resident_memory_bytes'),
    heapBytes: value('nodejs_heap_size_used_bytes'),
    cpuSeconds: value('process_cpu_seconds_total'),
    sockets: value('admit_once_sockets'),
  }
}

/** Once every socket is gone, and the slot after its half minute; throws where something is left. */
async function quietFigures(url: string, client: pg.Client): Promise<Figures> {
  const endMs = performance.now() + QUIET_MS_MAX
  for (;;) {
    const now = await figures(url)
    const { rows } = await client.query('select from pg_replication_slots')
    if (now.sockets === 0 && rows.length === 0) return now
    if (performance.now() > endMs)
      throw new Error(`left behind: ${now.sockets} sockets, ${rows.length} slots`)
    await new Promise((next) => setTimeout(next, 500))
  }
}

function startChild(name: 'viewers' | 'buyers'): ChildProcess {
  const child = fork(fileURLToPath(new URL(`${name}.ts`, import.meta.url)), { serialization: 'advanced' })
  children.push(child)
  return child
}

async function ask(child: ChildProcess, order: object): Promise<unknown> {
  const ended = new AbortController()
  const gone = once(child, 'exit', ended).then(() => Promise.reject(new Error('a generator ended')))
  child.send(order)
  try {
    const [answer] = await Promise.race([once(child, 'message', ended), gone])
    return answer
  } finally {
    ended.abort()
    gone.catch(() => {})
  }
}

function percentiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(0)
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`
}

function print(name: string, values: readonly number[]): void {
  const [before, opened, after, closed] = values.map((value) => value.toFixed(0))
  console.log(
    `${name}: ${before} before, ${opened} with sockets, ${after} after the rounds, ${closed} once they are gone`,
  )
}
