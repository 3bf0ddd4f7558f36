import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { after, describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { ask } from './scratch.ts'
import { openShop, SPELLINGS } from './shop.ts'

const noPromtool = spawnSync('promtool', ['--version']).status === 0 ? false : 'no promtool on the PATH'

const TOKEN = 'a token for metrics alone'
const shop = await openShop({}, { metricsToken: TOKEN })
const { db, house, server } = shop
const { keys } = server.authenticator
await db.rows(`create function public.always_late() returns void language plpgsql volatile as
  $$ begin raise exception 'late' using errcode = '40001'; end $$`)

const scrape = async (headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }) => {
  const response = await fetch(`${server.url}/metrics`, { headers })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

/** The value of the series that has all these labels; undefined where there is none. */
async function figure(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  const { text } = await scrape()
  const line = text
    .split('\n')
    .find(
      (one) =>
        one.startsWith(`${name}${Object.keys(labels).length > 0 ? '{' : ' '}`) &&
        Object.entries(labels).every(([label, value]) => one.includes(`${label}="${value}"`)),
    )
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')))
}

/** Scrapes until what the database says is from now: it is kept for a moment. */
async function untilValue(name: string, value: number, labels: Readonly<Record<string, string>> = {}) {
  const endMs = performance.now() + 30_000
  let got: number | undefined
  while (performance.now() < endMs) {
    got = await figure(name, labels)
    if (got === value) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  assert.equal(got, value, `${name} ${JSON.stringify(labels)}`)
}

const rpc = (name: string, body: object) => ask(server, `/rest/v1/rpc/${name}`, { body })

describe('who may read /metrics', () => {
  it('the metrics token and the secret key; nobody else, from this machine neither', async () => {
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    for (const [headers, status] of [
      [bearer(TOKEN), 200],
      [bearer(keys.serviceRole), 200],
      [{ apikey: keys.secret }, 200],
      [{}, 401],
      [{ apikey: keys.publishable }, 401],
      [bearer(`${TOKEN}x`), 401],
      [await shop.member('owner'), 401],
    ] as const) {
      assert.equal((await scrape(headers)).status, status, JSON.stringify(headers))
    }
    const posted = await fetch(`${server.url}/metrics`, { method: 'POST', headers: bearer(TOKEN) })
    assert.equal(posted.status, 405)
  })

  it('the metrics token opens nothing else', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    const daemon = await shop.call('ticket-expiry-daemon', {}, headers)
    assert.equal(daemon.status, 401)
  })

  it('the text is what Prometheus reads', async () => {
    const { type, text } = await scrape()
    assert.match(type ?? '', /^text\/plain; version=0\.0\.4/)
    assert.match(text, /^# TYPE admit_once_requests_total counter$/m)
    assert.match(text, /^process_cpu_seconds_total /m)
    assert.match(text, /^nodejs_eventloop_lag_seconds /m)
  })

  it('promtool finds nothing wrong with it', { skip: noPromtool }, async () => {
    const { text } = await scrape()
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    const ours = checked.stderr.split('\n').filter((line) => line.startsWith('admit_once_'))
    assert.deepEqual(ours, [])
    assert.doesNotMatch(checked.stderr, /error while linting/)
  })
})

describe('requests', () => {
  it('are counted by route, status and code, whichever way a refusal is spelled', async () => {
    const tier = await addTier(db, house.eventId, { total: 1 })
    await shop.call(
      'claim-offer',
      { discountId: randomUUID(), partySize: 1 },
      await shop.tokenOf(randomUUID()),
    )
    const hold = { p_reservations: [{ tier_id: tier, quantity: 5 }], p_session_id: randomUUID() }
    assert.equal((await rpc('reserve_tickets_batch', hold)).json().success, false)
    const code = (route: string, status: string, name: string) =>
      figure('admit_once_requests_total', { route, status, code: name })
    assert.equal(await code('/functions/v1/claim-offer', '404', 'OFFER_NOT_FOUND'), 1)
    assert.equal(await code('/rest/v1/rpc/reserve_tickets_batch', '200', 'INSUFFICIENT_TICKETS'), 1)
    assert.equal(await figure('admit_once_errors_total', { kind: 'insufficient_inventory' }), 1)
    assert.equal(
      await figure('admit_once_request_duration_seconds_count', { route: '/functions/v1/claim-offer' }),
      1,
    )
  })

  it('a repeated key is a duplicate request, of which any share is well', async () => {
    const tier = await addTier(db, house.eventId)
    const body = SPELLINGS['create-ticket-checkout']?.(house.eventId, tier, 1)
    const headers = { 'idempotency-key': randomUUID() }
    await shop.call('create-ticket-checkout', body, headers)
    assert.equal(await figure('admit_once_errors_total', { kind: 'duplicate_request' }), 0)
    await shop.call('create-ticket-checkout', body, headers)
    assert.equal(await figure('admit_once_errors_total', { kind: 'duplicate_request' }), 1)
    assert.equal(await figure('admit_once_error_share_max', { kind: 'duplicate_request' }), 1)
    assert.equal(await figure('admit_once_error_share_max', { kind: 'server_error' }), 0.001)
  })

  it('an error of SQL is counted where it was raised', async () => {
    await rpc('always_late', {})
    assert.equal(await figure('admit_once_database_errors_total', { code: '40001' }), 1)
    assert.equal(await figure('admit_once_errors_total', { kind: 'serialization_failure' }), 1)
    await rpc('always_late', {})
    assert.equal(await figure('admit_once_errors_total', { kind: 'serialization_failure' }), 2)
  })

  it('no path, name or id of a caller becomes a label, however many there are', async () => {
    const secret = randomUUID()
    const ways = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
    const places = [
      '/rest/v1/',
      '/rest/v1/rpc/',
      '/functions/v1/',
      '/orders/',
      '/auth/v1/',
      '/realtime/v1/',
      '/storage/v1/',
    ]
    for (const method of ways) {
      for (const place of places) {
        await ask(server, `${place}${secret}${method}?select=${secret}`, {
          method,
          ...(method === 'POST' ? { body: {} } : {}),
        })
      }
    }
    for (let n = 0; n < 20; n++) {
      await rpc(`no_such_${secret}_${n}`, {})
      await fetch(`${server.url}/${secret}/${n}`)
      await fetch(`${server.url}/functions/v1/${secret}${n}`, { method: 'PROPFIND' })
      await fetch(`${server.url}/events/${secret}${n}`)
    }
    const { text } = await scrape()
    assert.doesNotMatch(text, new RegExp(secret))
    assert.doesNotMatch(text, /PROPFIND/)
    assert.equal(
      await figure('admit_once_requests_total', {
        route: '/rest/v1/rpc/:name',
        method: 'POST',
        code: 'PGRST202',
      }),
      // The POST among the ways, too.
      21,
    )
  })
})

describe('the sale', () => {
  it('sold, held and free, of all events on sale and of each', async () => {
    const event = { event: house.eventSlug }
    const [before] = await db.rows<{ held: string; total: string }>(
      'select sum(reserved_quantity) as held, sum(total_quantity) as total from ticket_tiers where event_id = $1',
      [house.eventId],
    )
    const tier = await addTier(db, house.eventId, { total: 7 })
    const p_reservations = [{ tier_id: tier, quantity: 3 }]
    await rpc('reserve_tickets_batch', { p_reservations, p_session_id: randomUUID() })
    await untilValue('admit_once_event_tickets', Number(before?.held) + 3, { ...event, state: 'held' })
    const states = await Promise.all(
      ['sold', 'held', 'free'].map((state) => figure('admit_once_event_tickets', { ...event, state })),
    )
    assert.equal(
      states.reduce<number>((sum, one) => sum + (one ?? 0), 0),
      Number(before?.total) + 7,
    )
    assert.equal(await figure('admit_once_tickets', { state: 'held' }), states[1])
  })

  it('an event that is over is on sale no more', async () => {
    const slug = `over-${randomUUID().slice(0, 8)}`
    const id = await db.value<string>(
      `insert into events (business_id, slug, title, start_at, end_at, status)
       values ($1, $2, 'Short', now() - interval '1 hour', now() + interval '1 hour', 'published') returning id`,
      [house.businessId, slug],
    )
    await addTier(db, id)
    await untilValue('admit_once_event_tickets', 10, { event: slug, state: 'free' })
    await db.rows(`update events set end_at = now() where id = $1`, [id])
    const endMs = performance.now() + 30_000
    while ((await figure('admit_once_event_tickets', { event: slug })) !== undefined) {
      assert.ok(performance.now() < endMs, 'the series stays')
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  })

  it('what is owed, unmatched or overdue', async () => {
    await db.rows(`insert into ticketing.payments (id, amount_cents, currency, status)
      values ('pi_stray', 500, 'EUR', 'unmatched')`)
    await untilValue('admit_once_payments_unmatched', 1)
    for (const name of ['webhooks_unmatched', 'refunds_overdue_seconds', 'cancellations_open']) {
      assert.equal(await figure(`admit_once_${name}`), 0, name)
    }
  })
})

describe('places, pools and the database', () => {
  it('lanes, connections and protections', async () => {
    assert.equal(await figure('admit_once_lane_places', { lane: 'gates' }), 500)
    // The scrape itself.
    assert.equal(await figure('admit_once_lane_places_taken', { lane: 'health' }), 1)
    assert.equal(await figure('admit_once_lane_arriving', { lane: 'buyers' }), 0)
    assert.equal(await figure('admit_once_sockets'), 0)
    assert.equal(await figure('admit_once_pool_connections_max'), undefined)
    assert.equal(await figure('admit_once_pool_waiting', { pool: 'health' }), 0)
    const protections = await figure('admit_once_protections')
    assert.ok(protections !== undefined && protections > 30)
    assert.equal(await figure('admit_once_protections_active'), protections)
  })

  it('a database that hangs leaves what is known without it, and a scrape that ends', async () => {
    const held = await db.connect()
    after(() => held.end())
    await held.query('begin; lock table ticket_tiers in access exclusive mode')
    const endMs = performance.now() + 60_000
    while ((await figure('admit_once_database_up')) !== 0) assert.ok(performance.now() < endMs)
    const { status, text } = await scrape()
    assert.equal(status, 200)
    assert.doesNotMatch(text, /^admit_once_(tickets|event_tickets|protections|database_deadlocks)[ {]/m)
    assert.match(text, /^process_cpu_seconds_total /m)
    assert.match(text, /^admit_once_requests_total\{/m)
    await held.query('rollback')
    await untilValue('admit_once_database_up', 1)
    assert.ok(((await figure('admit_once_tickets', { state: 'free' })) ?? 0) > 0)
  })
})
