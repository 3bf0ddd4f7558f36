import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { deriveKeys } from '../../src/api/keys.ts'
import { startEmbedded } from '../../src/embedded/embedded.ts'

const ROUNDS = 5
const WINDOW_MS = 3_000
const USERS = 50
const STOCK = 10_000_000
const JWT_SECRET = 'of a bench, and of no secret at all'

const TIER = `
  with b as (insert into businesses (slug, name) values ('bench', 'Bench') returning id),
    e as (insert into events (business_id, slug, title, start_at, end_at, status)
      select id, 'bench', 'Bench', now() + interval '1 day', now() + interval '2 days', 'published' from b returning id, currency)
  insert into ticket_tiers (event_id, slug, name, price_cents, currency, total_quantity)
    select id, 'floor', 'Floor', 0, currency, $1 from e returning id`

interface Server {
  readonly name: string
  readonly url: string
  readonly tierId: string
  readonly client: pg.Client
  readonly empty: number[]
  readonly holds: number[]
  held: number
  stop(): Promise<void>
}

const { publishable } = await deriveKeys(JWT_SECRET)
const agent = new Agent({ keepAlive: true, maxSockets: USERS })
const roots = ['.', ...process.argv.slice(2)].map((root) => resolve(root))
const folder = await mkdtemp(join(tmpdir(), 'admit-once-bench-'))
const cluster = await startEmbedded({ dataFolder: join(folder, 'data'), ephemeral: true })
const servers: Server[] = []
try {
  for (const [at, root] of roots.entries()) servers.push(await openServer(root, `bench_${at}`))
  for (let round = 0; round < ROUNDS; round++) for (const server of servers) await measure(server)
  for (const server of servers) await checkRows(server)
  for (const server of servers) print(server)
} finally {
  agent.destroy()
  for (const { client, stop } of servers) await stop().finally(() => client.end())
  await cluster.stop()
  await rm(folder, { recursive: true, force: true })
}

/** `admit-once start` of a checkout on a database of its own, with one large tier. */
async function openServer(root: string, database: string): Promise<Server> {
  const url = new URL(cluster.url)
  const admin = new pg.Client({ connectionString: url.href })
  await admin.connect()
  await admin.query(`create database ${database}`)
  await admin.end()
  url.pathname = `/${database}`
  const { serveFrom } = (await import(pathToFileURL(join(root, 'src/cli/serve-from.ts')).href)) as {
    serveFrom(
      databaseUrl: string,
      jwtSecret: string,
    ): Promise<{ readonly url: string; stop(): Promise<void> }>
  }
  const server = await serveFrom(url.href, JWT_SECRET)
  const client = new pg.Client({ connectionString: url.href })
  // What ends the run is said by what failed, not by the connection that goes with the cluster.
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ id: string }>(TIER, [STOCK])
  const tierId = rows[0]?.id ?? ''
  return { name: basename(root), ...server, tierId, client, empty: [], holds: [], held: 0 }
}

async function measure(server: Server): Promise<void> {
  const { url, tierId } = server
  const empty = await countIn(`${url}/functions/v1/create-ticket-checkout`, '{}', 400)
  const hold = JSON.stringify({ p_tier_id: tierId, p_quantity: 1 })
  const holds = await countIn(`${url}/rest/v1/rpc/reserve_tickets_atomically`, hold, 200)
  server.empty.push(empty / (WINDOW_MS / 1000))
  server.holds.push(holds / (WINDOW_MS / 1000))
  server.held += holds
}

/** How many answers `USERS` get in one window, each asking again when it was answered; every one must have `status`. */
async function countIn(url: string, body: string, status: number): Promise<number> {
  const endMs = performance.now() + WINDOW_MS
  let count = 0
  const user = async () => {
    while (performance.now() < endMs) {
      const got = await post(url, body)
      if (got !== status) throw new Error(`${url} answered ${got}, not ${status}`)
      count++
    }
  }
  await Promise.all(Array.from({ length: USERS }, user))
  return count
}

function post(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { apikey: publishable, 'Content-Type': 'application/json', 'Content-Length': body.length }
    const sending = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    })
    sending.once('error', reject)
    sending.end(body)
  })
}

async function checkRows({ name, client, tierId, held }: Server): Promise<void> {
  const { rows } = await client.query<{ held: number; counted: number }>(
    `select (select count(*)::int from ticket_holds where tier_id = $1 and status = 'active') as held, reserved_quantity as counted
     from ticket_tiers where id = $1`,
    [tierId],
  )
  const { held: found, counted } = rows[0] ?? {}
  if (found !== held || counted !== held) {
    throw new Error(`${name}: the rows do not add up: ${held} answers, ${found} holds, counter ${counted}`)
  }
}

function print({ name, empty, holds, held }: Server): void {
  const list = (rates: readonly number[]) => rates.map((rate) => rate.toFixed(0)).join('  ')
  console.log(`${name}: ${USERS} users, windows of ${WINDOW_MS / 1000} s
  empty POSTs/s  ${list(empty)}
  holds/s        ${list(holds)}
  holds : empty POSTs = ${(median(holds) / median(empty)).toFixed(3)}; ${held} holds live`)
}

function median(rates: readonly number[]): number {
  return rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? Number.NaN
}
