import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, it } from 'node:test'
import { type Lane, POOLS } from '../../src/core/capacity.ts'
import { type Database, openPool } from '../../src/db/pool.ts'
import { eventually } from '../../src/embedded/processes.ts'
import { addTier } from '../support/box-office.ts'
import { ask, serve, type TestServer } from './scratch.ts'
import { openShop, SPELLINGS, signed } from './shop.ts'

const BUYERS = 200
/** Far below the five seconds that a buyer waits for a lock. */
const ANSWER_MS_MAX = 2_000
/** Buyers wait five seconds for the lock. */
const WAITS_MS_MAX = 3_000

const shop = await openShop()
const { db, house } = shop

/** A server whose lanes have the connections that they have by themselves; without `shared`, which use those of buyers. */
async function open(...shared: readonly Lane[]): Promise<TestServer> {
  const lanes: Partial<Record<Lane, Database>> = {}
  for (const [lane, max] of Object.entries(POOLS) as [Lane, number][]) {
    if (lane === 'buyers' || shared.includes(lane)) continue
    const pool = await openPool(db.url, { max, name: `hot ${lane}` })
    after(() => pool.close())
    lanes[lane] = pool
  }
  const app = { codes: shop.codes, payments: shop.payments, laneDatabases: lanes }
  const server = await serve(db.url, { max: POOLS.buyers, app })
  after(() => server[Symbol.asyncDispose]())
  return server
}

/**
 * Somebody holds the locks of as many tiers as buyers have connections, and those who buy them wait on every one: one for each
 * tier, as they are gathered.
 */
async function fought(server: TestServer, work: () => Promise<void>): Promise<void> {
  const tiers: string[] = []
  for (let i = 0; i < POOLS.buyers; i++) tiers.push(await addTier(db, house.eventId, { total: BUYERS }))
  const holder = await db.connect()
  await holder.query('begin')
  await holder.query('select from ticket_tiers where id = any ($1) for update', [tiers])
  const buyers = Array.from({ length: BUYERS }, (_, i) => {
    const body = SPELLINGS['guest-checkout']?.(house.eventId, tiers[i % tiers.length] ?? '', 1)
    return ask(server, '/functions/v1/guest-checkout', { body }).then(({ status }) => status)
  })
  try {
    await allWait()
    await work()
  } finally {
    await holder.query('rollback')
  }
  const answers = await Promise.all(buyers)
  assert.deepEqual(new Set(answers), new Set([200]), 'and then they buy')
}

const waiting = () =>
  db.value<number>(`select count(*)::int from pg_stat_activity where application_name = 'api-test' and wait_event_type = 'Lock'
    and datname = current_database()`)

async function allWait(): Promise<void> {
  const wait = () => eventually(WAITS_MS_MAX, async () => (await waiting()) >= POOLS.buyers)
  assert.ok(await wait(), 'buyers do not wait')
}

const inTime = (answer: Promise<{ readonly status: number }>) =>
  Promise.race([
    answer.then(({ status }) => status),
    new Promise<string>((resolve) => void setTimeout(() => resolve('not in time'), ANSWER_MS_MAX).unref()),
  ])

describe(`while ${BUYERS} buyers fight for hot tiers`, () => {
  const html = { headers: { accept: 'text/html' } }

  it('pages, gates, webhooks and health checks are answered', async () => {
    const server = await open()
    const free = await addTier(db, house.eventId, { total: 10 })
    const bought = await ask(server, '/functions/v1/guest-checkout', {
      body: SPELLINGS['guest-checkout']?.(house.eventId, free, 1),
    })
    const { order_url, session_url } = bought.json() as Record<string, string>
    const orderPage = new URL(order_url ?? session_url ?? '').pathname
    const staff = await shop.member('door')
    const event = JSON.stringify({ id: `evt_${randomUUID()}`, type: 'x', data: { object: {} } })
    await fought(server, async () => {
      const answers = {
        home: ask(server, '/', html),
        event: ask(server, `/events/${house.eventSlug}`, html),
        order: ask(server, orderPage, html),
        missing: ask(server, '/nothing', html),
        gate: ask(server, '/functions/v1/validate-qr', {
          body: { qrData: 'unknown', businessId: house.businessId },
          headers: staff,
        }),
        list: ask(server, `/functions/v1/gate-list?event=${house.eventId}`, { headers: staff }),
        webhook: ask(server, '/functions/v1/stripe-webhook', {
          body: event,
          headers: { 'stripe-signature': signed(event) },
        }),
        health: ask(server, '/functions/v1/health-check'),
      }
      const statuses = Object.entries(answers).map(async ([what, answer]) => [what, await inTime(answer)])
      const expected = Object.keys(answers).map((what) => [what, what === 'missing' ? 404 : 200])
      assert.deepEqual(Object.fromEntries(await Promise.all(statuses)), Object.fromEntries(expected))
    })
  })

  it('those of one tier wait on one connection, and all others buy', async () => {
    const server = await open()
    const [hot, other] = [
      await addTier(db, house.eventId, { total: BUYERS }),
      await addTier(db, house.eventId),
    ]
    const buy = (tier: string) =>
      ask(server, '/functions/v1/guest-checkout', {
        body: SPELLINGS['guest-checkout']?.(house.eventId, tier, 1),
      }).then(({ status }) => status)
    const holder = await db.connect()
    await holder.query('begin')
    await holder.query('select from ticket_tiers where id = $1 for update', [hot])
    const buyers = Array.from({ length: BUYERS }, () => buy(hot))
    assert.ok(await eventually(WAITS_MS_MAX, async () => (await waiting()) === 1))
    assert.equal(await buy(other), 200)
    assert.equal(await waiting(), 1)
    await holder.query('rollback')
    assert.deepEqual(new Set(await Promise.all(buyers)), new Set([200]))
  })

  it('twin: pages that share the connections of buyers are not', async () => {
    const server = await open('pages')
    await fought(server, async () => {
      assert.equal(await inTime(ask(server, '/', html)), 'not in time')
    })
  })
})
