import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import pg from 'pg'
import { deriveKeys } from '../../src/api/keys.ts'
import { serveFrom } from '../../src/cli/serve-from.ts'
import { migrate } from '../../src/db/migrate.ts'
import { startEmbedded } from '../../src/embedded/embedded.ts'
import { findPlace } from '../../src/embedded/place.ts'
import { eventually, readStatus } from '../../src/embedded/processes.ts'
import { openProxy } from '../support/proxy.ts'
import { JWT_SECRET } from './scratch.ts'

const WAIT_MS_MAX = 60_000
const { publishable, secret } = await deriveKeys(JWT_SECRET)
const dataFolder = join(tmpdir(), `admit-once-outages-${process.pid}`)
let restarts = 0
let homes = 0
const cluster = await startEmbedded({ dataFolder, onRestart: () => restarts++ })
const clients: SupabaseClient[] = []
const running: { stop(): Promise<void> }[] = []
after(async () => {
  await Promise.all(clients.map((client) => client.realtime.disconnect()))
  for (const server of running) await server.stop()
  await cluster.stop()
  await rm(dataFolder, { recursive: true, force: true })
})

const TIER = `
  with b as (insert into businesses (slug, name) values ('outages', 'The House') returning id),
    e as (insert into events (business_id, slug, title, start_at, end_at, status)
      select id, 'outages', 'Gala', now() + interval '1 day', now() + interval '2 days', 'published' from b returning id, currency)
  insert into ticket_tiers (event_id, slug, name, price_cents, currency, total_quantity)
    select id, 'floor', 'Floor', 0, currency, 1000 from e returning id`

/** On a connection of its own, as PostgreSQL comes and goes. */
async function query(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: cluster.url })
  await client.connect()
  return (await client.query(sql).finally(() => client.end())).rows
}

const [tierId] = await (async () => {
  const client = new pg.Client({ connectionString: cluster.url })
  await client.connect()
  await migrate(client)
  const { rows } = await client.query<{ id: string }>(TIER)
  await client.end()
  return rows.map(({ id }) => id)
})()

async function serve() {
  const server = await serveFrom(cluster.url, JWT_SECRET, {
    ADMIT_ONCE_HOME: join(dataFolder, `home-${homes++}`),
  })
  running.push(server)
  return server
}

interface Watcher {
  /** How the channel stood, one after the other. */
  readonly statuses: string[]
  /** Counters of the tier, as they were heard of. */
  readonly heard: number[]
}

async function watch(url: string): Promise<Watcher> {
  const client = createClient(url, publishable)
  clients.push(client)
  const watcher: Watcher = { statuses: [], heard: [] }
  client
    .channel(`tier-${randomUUID()}`)
    .on('postgres_changes', { event: 'UPDATE', schema: 'public', table: 'ticket_tiers' }, ({ new: row }) =>
      watcher.heard.push(row['reserved_quantity']),
    )
    .subscribe((status) => watcher.statuses.push(status))
  await until(() => watcher.statuses.includes('SUBSCRIBED'), 'subscribed')
  return watcher
}

async function until(is: () => boolean | Promise<boolean>, what: string): Promise<void> {
  assert.ok(await eventually(WAIT_MS_MAX, async () => is()), what)
}

const slots = async () => (await query('select from pg_replication_slots')).length
const sockets = async (url: string) => {
  const response = await fetch(`${url}/metrics`, { headers: { apikey: secret } })
  return Number(/^admit_once_sockets (\d+)$/m.exec(await response.text())?.[1])
}

/** Makes a hold and gives the tier's counter after it. */
async function hold(url: string): Promise<number> {
  const response = await fetch(`${url}/rest/v1/rpc/reserve_tickets_atomically`, {
    method: 'POST',
    headers: { apikey: publishable, 'content-type': 'application/json' },
    body: JSON.stringify({ p_tier_id: tierId, p_quantity: 1 }),
  })
  const answer = (await response.json()) as { success?: boolean; remaining: number }
  assert.equal(answer.success, true, JSON.stringify(answer))
  return 1000 - answer.remaining
}

describe('a subscriber of changes', () => {
  it('that was away comes back by itself, hears what comes, once, and leaves no socket behind', async () => {
    const server = await serve()
    const proxy = await openProxy(server.url)
    const { statuses, heard } = await watch(proxy.through(server.url))
    const first = await hold(server.url)
    await until(() => heard.includes(first), 'the first')
    proxy.cut()
    await until(() => statuses.filter((status) => status === 'SUBSCRIBED').length === 2, 'it came back')
    const second = await hold(server.url)
    await until(() => heard.includes(second), 'the second')
    const third = await hold(server.url)
    await until(() => heard.includes(third), 'the third')
    assert.deepEqual(heard, [first, second, third])
    await until(async () => (await sockets(server.url)) === 1, 'one socket')
    assert.equal(await slots(), 1)
  })

  it('hears on after PostgreSQL was killed: it is told that it missed something, and joins again', async () => {
    const server = await serve()
    const { statuses, heard } = await watch(server.url)
    const before = restarts
    const postmaster =
      (await readStatus((await findPlace(dataFolder)).pgdata))?.pid ?? assert.fail('it does not run')
    process.kill(postmaster, 'SIGKILL')
    await until(() => restarts > before, 'PostgreSQL is back')
    await until(() => statuses.includes('CHANNEL_ERROR'), 'it is told')
    await until(() => statuses.at(-1) === 'SUBSCRIBED', 'it joins again')
    const counter = await hold(server.url)
    await until(() => heard.includes(counter), 'the next change')
    assert.equal(heard.filter((one) => one === counter).length, 1)
  })

  it('of a server that was killed leaves no slot, and hears on from the next server', async () => {
    for (const server of running.splice(0)) await server.stop()
    await until(async () => (await slots()) === 0, 'no slot of a server that stopped')
    const killed = await serve()
    const before = await watch(killed.url)
    assert.equal(await slots(), 1)
    await killed.kill()
    running.pop()
    await until(() => before.statuses.includes('CHANNEL_ERROR'), 'its client knows')
    await until(async () => (await slots()) === 0, 'its slot went with it')
    const next = await serve()
    const { heard } = await watch(next.url)
    const counter = await hold(next.url)
    await until(() => heard.includes(counter), 'the next change')
  })
})
