import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createClient as createSupabase } from '@supabase/supabase-js'
import { type AdmitOnceError, createClient, type RetryOptions } from '../../src/client/index.ts'
import { openShop } from '../api/shop.ts'
import { addTier } from '../support/box-office.ts'
import { openNetwork, type Page } from './network.ts'

const { db, house, server } = await openShop()
const network = await openNetwork(server.url)
const { anon } = server.authenticator.keys
const SOON: RetryOptions = { backoffMs: 5 }
const CLIENTS = {
  'over fetch': (options: RetryOptions = SOON) =>
    createClient({ url: network.url, apiKey: anon, ...options }),
  'over supabase-js': (options: RetryOptions = SOON) =>
    createClient({
      supabase: createSupabase(network.url, anon, { auth: { persistSession: false } }),
      ...options,
    }),
}

const cartOf = (tierId: string, quantity = 1) => ({
  eventId: house.eventId,
  items: [{ tierId, quantity }],
  customerName: 'Ada',
  customerEmail: 'ada@example.org',
})

/** What an error says, beside its text. */
const told = (error: AdmitOnceError | null) => [
  error?.code,
  error?.status,
  error?.outcome,
  error?.retryAfterSeconds,
]

/** What proxies and portals answer in a server's place. */
const NO_ANSWERS: Readonly<Record<string, Page>> = {
  'a page, 200': { status: 200, body: '<html>Welcome to the hotel</html>' },
  'a page that calls itself JSON, 200': {
    status: 200,
    body: '<html>',
    headers: { 'content-type': 'application/json' },
  },
  'nothing, 200': { status: 200 },
  'nothing, 204': { status: 204 },
  'a list, 200': { status: 200, body: '[]', headers: { 'content-type': 'application/json' } },
  'a text in JSON, 200': { status: 200, body: '"ok"', headers: { 'content-type': 'application/json' } },
  'half of an answer': {
    status: 200,
    body: '{"success":true}',
    headers: { 'content-type': 'application/json' },
    ends: 'torn',
  },
  'bytes, 200': { status: 200, body: 'PK', headers: { 'content-type': 'application/octet-stream' } },
  'a document, 200': { status: 200, body: '%PDF', headers: { 'content-type': 'application/pdf' } },
  'a stream of events, 200': {
    status: 200,
    body: 'data: 1',
    headers: { 'content-type': 'text/event-stream' },
  },
  'a bad gateway': { status: 502, body: '<h1>502 Bad Gateway</h1>' },
  'a service that is away': { status: 503, body: '<h1>503</h1>' },
  'a gateway that waited': {
    status: 504,
    body: '{"message":"timeout"}',
    headers: { 'content-type': 'application/json' },
  },
  'an edge runtime that did not boot': {
    status: 503,
    body: '{"code":"BOOT_ERROR","message":"Function failed to start"}',
    headers: { 'content-type': 'application/json' },
  },
  'a proxy that broke': { status: 500, body: 'oops' },
  'a proxy that waited for the request': { status: 408, body: 'slow' },
}

for (const [how, open] of Object.entries(CLIENTS)) {
  describe(`${how}, these are no answers, and what was asked is asked again under its key:`, () => {
    for (const [what, page] of Object.entries(NO_ANSWERS))
      test(what, async () => {
        network.expect(page)
        const { data, error } = await open().call(
          'create-ticket-checkout',
          cartOf(await addTier(db, house.eventId)),
        )
        assert.equal(error, null)
        assert.equal(data?.isFree, true)
        assert.deepEqual(
          network.seen.map(({ key }) => key),
          [network.seen[0]?.key, network.seen[0]?.key],
        )
        network.expect(page)
        const verb = await open().rpc('reserve_tickets_atomically', {
          p_tier_id: house.eventId,
          p_quantity: 1,
        })
        assert.deepEqual([verb.error?.code, verb.error?.outcome], ['NO_ANSWER', 'unknown'])
        assert.equal(network.seen.length, 1, 'a hold of a session of its own is asked for once')
      })
  })

  describe(`${how}, what verbs give is told from a page:`, () => {
    const page: Page = { status: 200, body: '<html>' }
    test('rows, a value, nothing', async () => {
      network.expect(page)
      const time = await open().rpc('local_time', {
        p_business_id: house.businessId,
        p_local: '2027-07-10 20:00',
      })
      assert.match(String(time.data), /^2027-07-10T/)
      assert.equal(network.seen.length, 2)
      network.expect(page)
      const rows = await open().rpc('double_admissions', { p_event_id: house.eventId })
      assert.deepEqual([rows.error?.code, network.seen.length], ['42501', 2])
      network.expect(page)
      const nothing = await open().rpc('release_tickets', { p_tier_id: house.eventId, p_quantity: 1 })
      assert.deepEqual([nothing.error?.code, nothing.error?.outcome], ['NO_ANSWER', 'unknown'])
    })
  })

  describe(`${how}, a refusal is told by its code, and not asked again:`, () => {
    test('of a function, with what it adds', async () => {
      const tier = await addTier(db, house.eventId, { total: 1 })
      network.expect()
      const { data, error } = await open().call('create-ticket-checkout', cartOf(tier, 2))
      assert.equal(data, null)
      assert.ok(error instanceof Error)
      assert.deepEqual(told(error), ['INSUFFICIENT_TICKETS', 409, 'refused', undefined])
      assert.equal(error.message, 'Not enough tickets available.')
      assert.equal((error.more['failed'] as { available: number }[])[0]?.available, 1)
      assert.equal(network.seen.length, 1)
    })
    test('of a checkout that has another name for it', async () => {
      const tier = await addTier(db, house.eventId, { total: 1 })
      const items = [{ tier_id: tier, quantity: 2 }]
      const cart = { event_id: house.eventId, contact_email: 'ada@example.org', items }
      const { error } = await open().call('guest-checkout', cart)
      assert.deepEqual(told(error), ['INSUFFICIENT_TICKETS', 409, 'refused', undefined])
    })
    test('of a verb, which answers 200', async () => {
      const tier = await addTier(db, house.eventId, { total: 1 })
      const one = await open().rpc('reserve_tickets_atomically', { p_tier_id: tier, p_quantity: 2 })
      assert.deepEqual(told(one.error), ['INSUFFICIENT_TICKETS', 200, 'refused', undefined])
      assert.deepEqual(
        [one.error?.message, one.error?.more['available']],
        ['Not enough tickets available.', 1],
      )
      const p_reservations = [{ tier_id: tier, quantity: 2 }]
      const batch = await open().rpc('reserve_tickets_batch', { p_reservations })
      assert.equal(batch.error?.code, 'INSUFFICIENT_TICKETS')
      assert.ok(batch.error)
      assert.equal((batch.error.more['failed'] as { available: number }[])[0]?.available, 1)
    })
    test('of PostgreSQL and of PostgREST, by their code', async () => {
      const verb = await open().rpc('verify_protections')
      assert.deepEqual(told(verb.error), ['42501', 401, 'refused', undefined])
      const wrong = await open().rpc('local_time', { p_nothing: 1 } as never)
      assert.deepEqual(told(wrong.error), ['PGRST202', 404, 'refused', undefined])
    })
    test('of a newer server, whose codes it does not know', async () => {
      const says = (status: number, body: object): Page => ({
        status,
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
      network.expect(says(409, { success: false, code: 'DOOR_SHUT', error: 'DOOR_SHUT: The door is shut.' }))
      const { error } = await open().call('health-check')
      assert.deepEqual(
        [...told(error), error?.message],
        ['DOOR_SHUT', 409, 'refused', undefined, 'The door is shut.'],
      )
      network.expect(says(200, { success: false, error: 'DOOR_SHUT', message: 'The door is shut.' }))
      const hold = { p_tier_id: house.eventId, p_quantity: 1 }
      const verb = await open().rpc('reserve_tickets_atomically', hold)
      assert.deepEqual([verb.error?.code, verb.error?.message], ['DOOR_SHUT', 'The door is shut.'])
      network.expect(says(503, { success: false, code: 'HALL_BUSY', error: 'HALL_BUSY: Later.' }))
      const refund = await open().call('process-refund', { orderId: house.eventId })
      assert.deepEqual(
        [refund.error?.code, refund.error?.outcome, network.seen.length],
        ['HALL_BUSY', 'unknown', 1],
      )
    })
    test('of somebody before the server', async () => {
      network.expect({ status: 403, body: '<h1>Blocked</h1>' })
      const { error } = await open().call('health-check')
      assert.deepEqual(told(error), ['HTTP_ERROR', 403, 'refused', undefined])
      assert.equal(network.seen.length, 1)
      network.expect({
        status: 401,
        body: '{"message":"Invalid API key"}',
        headers: { 'content-type': 'application/json' },
      })
      assert.equal((await open().call('health-check')).error?.message, 'Invalid API key')
    })
  })
}

const REFUSED_ONCE = (code: string, retryAfter = '0'): Page => ({
  status: 503,
  body: JSON.stringify({ success: false, error: `${code}: Busy.`, code }),
  headers: { 'content-type': 'application/json', 'retry-after': retryAfter },
})

describe('a refusal that says that nothing was done is retried, whatever was asked:', () => {
  for (const [how, open] of Object.entries(CLIENTS))
    test(`40001 and the server's own LOCK_TIMEOUT of it, ${how}`, async () => {
      // Counted by a sequence, which a rollback does not turn back: the server tries each call with others, and then alone.
      await db.rows(`
        create sequence if not exists conflicts;
        create or replace function conflict() returns trigger language plpgsql as $$
        begin
          if nextval('public.conflicts') <= 4 then raise exception 'conflict' using errcode = '40001'; end if;
          return new;
        end $$;
        create or replace trigger conflict before insert on ticket_holds for each row execute function conflict();
        alter sequence conflicts restart;`)
      await db.rows('grant usage on sequence conflicts to public')
      const tier = await addTier(db, house.eventId)
      network.expect()
      const verb = await open().rpc('reserve_tickets_atomically', { p_tier_id: tier, p_quantity: 1 })
      assert.equal(verb.error, null)
      assert.equal(network.seen.length, 3)
      // Who comes back with the same key is tried alone at once.
      await db.rows('alter sequence conflicts restart with 2')
      network.expect()
      assert.equal((await open().call('create-ticket-checkout', cartOf(tier))).error, null)
      assert.equal(network.seen.length, 3)
      await db.rows('drop trigger conflict on ticket_holds')
      assert.equal(
        await db.value('select reserved_quantity + sold_quantity from ticket_tiers where id = $1', [tier]),
        2,
      )
    })

  test('503, at most three times', async () => {
    const busy = REFUSED_ONCE('SERVER_BUSY')
    network.expect(busy, busy, busy)
    const { error } = await CLIENTS['over fetch']().call('process-refund', { orderId: house.eventId })
    assert.deepEqual([error?.code, network.seen.length], ['UNAUTHORIZED', 4])
    network.expect(busy, busy, busy, busy)
    const last = await CLIENTS['over fetch']().call('process-refund', { orderId: house.eventId })
    assert.deepEqual(told(last.error), ['SERVER_BUSY', 503, 'refused', 0])
    assert.equal(network.seen.length, 4)
  })

  test('of which the server itself does not know is a lost answer', async () => {
    for (const code of ['DATABASE_TIMEOUT', 'COMMIT_UNCONFIRMED', 'PAYMENT_UNAVAILABLE']) {
      network.expect(REFUSED_ONCE(code))
      const refund = await CLIENTS['over fetch']().call('process-refund', { orderId: house.eventId })
      assert.deepEqual([refund.error?.code, refund.error?.outcome, network.seen.length], [code, 'unknown', 1])
      network.expect(REFUSED_ONCE(code))
      assert.equal((await CLIENTS['over fetch']().call('health-check')).error, null)
    }
  })

  test('one that comes after a lost answer does not say that nothing was done', async () => {
    const busy = REFUSED_ONCE('SERVER_BUSY')
    network.expect('lose', busy, busy, busy)
    const tier = await addTier(db, house.eventId)
    const { error } = await CLIENTS['over fetch']().call('create-ticket-checkout', cartOf(tier))
    assert.deepEqual([error?.code, error?.outcome], ['SERVER_BUSY', 'unknown'])
    assert.equal(await db.value('select sold_quantity from ticket_tiers where id = $1', [tier]), 1)
  })
})

describe('after a lost answer', () => {
  const client = CLIENTS['over fetch']()
  test('who judges the request says whether it was done', async () => {
    network.expect('cut')
    const sold = await client.call('create-ticket-checkout', cartOf(await addTier(db, house.eventId), 11))
    assert.deepEqual(told(sold.error), ['INSUFFICIENT_TICKETS', 409, 'refused', undefined])
    network.expect('cut', { ...REFUSED_ONCE('PAYMENT_REFUSED'), status: 502 })
    const paid = await client.call('create-ticket-checkout', cartOf(await addTier(db, house.eventId)))
    assert.deepEqual([paid.error?.code, paid.error?.outcome], ['PAYMENT_REFUSED', 'refused'])
    network.expect('cut')
    const released = await client.rpc('release_ticket_holds', { p_session_id: '' })
    assert.deepEqual(told(released.error), ['INVALID_REQUEST', 200, 'refused', undefined])
  })

  test('others do not: a token that ran out, a rate limit, a proxy', async () => {
    network.expect('cut')
    const booked = await client.call('claim-offer', { discountId: house.eventId, partySize: 2 })
    assert.deepEqual(told(booked.error), ['UNAUTHORIZED', 401, 'unknown', undefined])
    for (const page of [
      { ...REFUSED_ONCE('TOO_MANY_REQUESTS'), status: 429 },
      { status: 403, body: 'Blocked' },
    ]) {
      network.expect('lose', page)
      const tier = await addTier(db, house.eventId)
      const { error } = await client.call('create-ticket-checkout', cartOf(tier))
      assert.deepEqual([error?.status, error?.outcome], [page.status, 'unknown'])
      assert.equal(await db.value('select sold_quantity from ticket_tiers where id = $1', [tier]), 1)
    }
  })
})

describe('Retry-After', () => {
  const client = CLIENTS['over fetch']({ backoffMs: 1, retryAfterSecondsMax: 2 })
  const startsWithin = async (retryAfter: string) => {
    network.expect(REFUSED_ONCE('LOCK_TIMEOUT', retryAfter))
    const beganMs = performance.now()
    const { error } = await client.call('health-check')
    return { error, ms: performance.now() - beganMs, asked: network.seen.length }
  }
  test('in seconds is waited for', async () => {
    const { error, ms, asked } = await startsWithin('1')
    assert.deepEqual([error, asked], [null, 2])
    assert.ok(ms >= 1000, `${ms} ms`)
  })
  test('as a date is waited for', async () => {
    const { error, ms, asked } = await startsWithin(new Date(Date.now() + 2_000).toUTCString())
    assert.deepEqual([error, asked], [null, 2])
    assert.ok(ms >= 500, `${ms} ms`)
  })
  test('that is longer than the caller would wait is told, and nothing is asked again', async () => {
    for (const [header, least] of [
      ['3', 3],
      [new Date(Date.now() + 600_000).toUTCString(), 500],
    ] as const) {
      const { error, asked } = await startsWithin(header)
      assert.deepEqual([error?.code, error?.outcome, asked], ['LOCK_TIMEOUT', 'refused', 1])
      assert.ok(Number(error?.retryAfterSeconds) >= least && Number(error?.retryAfterSeconds) <= 601)
    }
  })
  test('that is none is what the registry of refusals says', async () => {
    const { error } = await startsWithin('soon')
    assert.equal(error, null)
    network.expect({ ...REFUSED_ONCE('TOO_MANY_REQUESTS', 'soon'), status: 429 })
    assert.deepEqual(told((await client.call('health-check')).error), [
      'TOO_MANY_REQUESTS',
      429,
      'refused',
      1,
    ])
  })
})
