import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { mintToken } from '../../src/api/keys.ts'
import { REFUSALS } from '../../src/core/refusals.ts'
import {
  type Ask,
  ask,
  JWT_SECRET,
  makeScratch,
  type Scratch,
  startServer,
  type TestServer,
} from './scratch.ts'

const EVENT = '00000000-0000-0000-0001-000000000099'
const ORDER = '00000000-0000-0000-0000-000000000007'
const GOOD = {
  eventId: EVENT,
  items: [{ tierId: 'general-admission', quantity: 2, unitPrice: 5 }],
  customerName: 'Ann',
  customerEmail: 'ann@example.com',
  totalAmount: 3,
  more: {},
}

describe('/functions/v1', () => {
  let scratch: Scratch
  let server: TestServer
  before(async () => {
    scratch = await makeScratch()
    await scratch.admin(KEEP_REQUESTS)
    server = await startServer(scratch)
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await scratch[Symbol.asyncDispose]()
  })
  const checkout = (body: unknown, headers: Ask['headers'] = {}) =>
    ask(server, '/functions/v1/create-ticket-checkout', { body, headers })
  const lastRequest = async () => {
    const [{ note } = { note: '{}' }] = await scratch.admin(
      'select note from public.notes order by id desc limit 1',
    )
    return JSON.parse(String(note)) as Record<string, unknown> & { fingerprint: unknown; role: unknown }
  }

  it('buys, and answers with the order and its page', async () => {
    const got = await checkout(GOOD)
    assert.equal(got.status, 200)
    assert.deepEqual(got.json(), {
      success: true,
      orderId: ORDER,
      url: `${server.url}/orders/${ORDER}/secret`,
      isFree: true,
      tickets: [],
    })
    assert.equal(got.headers.get('x-idempotent-replay'), null)
    assert.match(got.headers.get('content-type') ?? '', /^application\/json/)
  })

  it('asks the database once, as the caller, with prices and unknown fields left out', async () => {
    const token = await mintToken(JWT_SECRET, { sub: EVENT })
    await checkout(GOOD, { authorization: `Bearer ${token}`, 'idempotency-key': 'k-1' })
    const { fingerprint, ...request } = await lastRequest()
    assert.match(String(fingerprint), /^[0-9a-f]{64}$/)
    assert.deepEqual(request, {
      endpoint: 'create-ticket-checkout',
      event: EVENT,
      items: [{ tier: 'general-admission', quantity: 2 }],
      customer_name: 'Ann',
      customer_email: 'ann@example.com',
      session_id: null,
      success_url: null,
      cancel_url: null,
      client_address: '127.0.0.1',
      expected_total_cents: null,
      expected_currency: null,
      idempotency_key: 'k-1',
      public_url: server.url,
      livemode: false,
      takes_payments: false,
      role: 'authenticated',
      sub: EVENT,
    })
  })

  it('takes the same fingerprint for the same request only', async () => {
    const of = async (body: object) => {
      await checkout(body)
      return (await lastRequest()).fingerprint
    }
    const first = await of(GOOD)
    const { eventId, ...rest } = GOOD
    assert.equal(await of({ ...rest, totalAmount: 9, eventId }), first)
    assert.notEqual(await of({ ...GOOD, customerName: 'Bob' }), first)
    assert.notEqual(await of({ ...GOOD, items: [{ tierId: 'general-admission', quantity: 3 }] }), first)
  })

  it('says when an answer is a repeated one', async () => {
    assert.equal(
      (await checkout(GOOD, { 'idempotency-key': 'again' })).headers.get('x-idempotent-replay'),
      'true',
    )
  })

  it('needs no key, and takes the publishable one', async () => {
    for (const apikey of [server.authenticator.keys.publishable, 'unknown']) {
      assert.equal((await checkout(GOOD, { apikey })).status, 200)
    }
    const bare = await fetch(`${server.url}/functions/v1/create-ticket-checkout`, {
      method: 'POST',
      body: JSON.stringify(GOOD),
    })
    assert.equal(bare.status, 200)
    assert.equal((await lastRequest()).role, 'anon')
  })

  for (const [code, { status }] of Object.entries(REFUSALS)) {
    it(`a refusal ${code} of the database is ${status}, with its code and its words in the text`, async () => {
      const got = await checkout({ ...GOOD, eventId: `refuse-${code}` })
      const { success, error, code: own, available } = got.json()
      assert.deepEqual([got.status, success, own, available], [status, false, code, 3])
      assert.equal(error, `${code}: because`)
      assert.equal(
        got.headers.has('retry-after'),
        'retryAfterSeconds' in REFUSALS[code as keyof typeof REFUSALS],
      )
    })
  }

  const raised: readonly (readonly [state: string, status: number, code: string])[] = [
    ['57014', 503, 'LOCK_TIMEOUT'],
    ['55P03', 503, 'LOCK_TIMEOUT'],
    ['40P01', 503, 'LOCK_TIMEOUT'],
    ['40001', 503, 'LOCK_TIMEOUT'],
    ['53300', 503, 'DATABASE_BUSY'],
    ['57P03', 503, 'DATABASE_UNREACHABLE'],
    ['42501', 403, 'FORBIDDEN'],
    ['22P02', 400, 'INVALID_REQUEST'],
  ]
  for (const [state, status, code] of raised) {
    it(`SQLSTATE ${state} is ${status} ${code}`, async () => {
      const got = await checkout({ ...GOOD, eventId: `raise-${state}` })
      assert.deepEqual([got.status, got.json().code], [status, code])
    })
  }

  it('a bug is 500 without internals, logged under the id of the request', async () => {
    const before = server.logged.length
    for (const eventId of ['raise-XX000', 'refuse-NO_SUCH_CODE']) {
      const got = await checkout({ ...GOOD, eventId }, { 'x-request-id': `bug-${eventId}` })
      assert.equal(got.status, 500)
      assert.deepEqual(got.json(), {
        success: false,
        error: 'INTERNAL_ERROR: Something went wrong on our side.',
        code: 'INTERNAL_ERROR',
      })
      assert.equal(got.headers.get('x-request-id'), `bug-${eventId}`)
      assert.equal(JSON.parse(server.logged.at(-1) ?? '{}').request_id, `bug-${eventId}`)
    }
    assert.equal(server.logged.length, before + 2)
  })

  const DEEP = 20_000
  const bad: readonly (readonly [title: string, body: unknown, code: string, field?: string])[] = [
    ['nothing', '', 'INVALID_REQUEST', 'eventId'],
    ['null', 'null', 'INVALID_REQUEST', ''],
    ['an array', [GOOD], 'INVALID_REQUEST', ''],
    ['malformed JSON', '{"eventId":', 'INVALID_REQUEST'],
    ['deep JSON', '['.repeat(DEEP) + ']'.repeat(DEEP), 'INVALID_REQUEST', ''],
    [
      'a text that is no UTF-8',
      Buffer.from(JSON.stringify({ ...GOOD, customerName: 'é' }), 'latin1'),
      'INVALID_REQUEST',
    ],
    ['items of null', { ...GOOD, items: [null] }, 'INVALID_REQUEST', 'items.0'],
    ['an empty event', { ...GOOD, eventId: '' }, 'INVALID_REQUEST', 'eventId'],
    ['an event that is a number', { ...GOOD, eventId: 5 }, 'INVALID_REQUEST', 'eventId'],
    ['a NUL', { ...GOOD, customerName: 'a\0b' }, 'INVALID_REQUEST', 'customerName'],
    ['half a surrogate', { ...GOOD, customerName: '\ud800' }, 'INVALID_REQUEST', 'customerName'],
    ['a long name', { ...GOOD, customerName: 'x'.repeat(201) }, 'INVALID_REQUEST', 'customerName'],
    ['no name', { ...GOOD, customerName: null }, 'INVALID_REQUEST', 'customerName'],
    ['a name of blanks', { ...GOOD, customerName: '  ' }, 'INVALID_REQUEST', 'customerName'],
    [
      'a long e-mail address',
      { ...GOOD, customerEmail: `${'x'.repeat(319)}@y` },
      'INVALID_REQUEST',
      'customerEmail',
    ],
    ...[
      'ann',
      '@example.com',
      'a@b',
      'a@.com',
      'a@b.',
      'a@b..com',
      'a..b@c.com',
      'a b@c.com',
      'a@b@c.com',
    ].map(
      (address) =>
        [
          `the address ${address}`,
          { ...GOOD, customerEmail: address },
          'INVALID_REQUEST',
          'customerEmail',
        ] as const,
    ),
    [
      'an address with markup',
      { ...GOOD, customerEmail: '<script>@example.org' },
      'INVALID_REQUEST',
      'customerEmail',
    ],
    [
      'a line without a quantity',
      { ...GOOD, items: [{ tierId: 'x' }] },
      'INVALID_REQUEST',
      'items.0.quantity',
    ],
  ]
  for (const [title, body, code, field] of bad) {
    it(`${title} is 400 ${code} and reaches no database`, async () => {
      const before = await scratch.admin('select count(*) as n from public.notes')
      const got = await checkout(body)
      assert.deepEqual([got.status, got.json().code, got.json().field], [400, code, field])
      assert.deepEqual(await scratch.admin('select count(*) as n from public.notes'), before)
    })
  }

  it('refuses a key that is no key, and a body beyond 1 MiB', async () => {
    const long = await checkout(GOOD, { 'idempotency-key': 'k'.repeat(256) })
    assert.deepEqual([long.status, long.json().code], [400, 'INVALID_REQUEST'])
    const large = await checkout({ ...GOOD, more: 'x'.repeat(1024 * 1024) })
    assert.deepEqual([large.status, large.json().code], [413, 'PAYLOAD_TOO_LARGE'])
  })

  it('answers JSON where there is nothing, and for another method', async () => {
    for (const path of ['/functions/v1/no-such', '/functions/v1/__proto__', '/nowhere', '/functions/v1/']) {
      const got = await ask(server, path, { body: {} })
      assert.deepEqual([got.status, got.json().code], [404, 'NOT_FOUND'])
      assert.ok(got.headers.get('x-request-id'))
    }
    const put = await ask(server, '/functions/v1/create-ticket-checkout', { method: 'PUT', body: GOOD })
    assert.deepEqual(
      [put.status, put.json().code, put.headers.get('allow')],
      [405, 'METHOD_NOT_ALLOWED', 'POST'],
    )
    const table = await ask(server, '/rest/v1/no_such_table')
    assert.deepEqual([table.status, table.json().code], [404, 'PGRST205'])
    assert.equal((await ask(server, '/rest/v1/a/b/c')).json().code, 'PGRST125')
  })

  it('lets pages of any origin ask, with the headers that supabase-js sends', async () => {
    for (const path of ['/rest/v1/rpc/add', '/functions/v1/create-ticket-checkout', '/anywhere']) {
      const response = await fetch(server.url + path, {
        method: 'OPTIONS',
        headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
      })
      assert.equal(response.status, 204)
      assert.equal(response.headers.get('access-control-allow-origin'), '*')
      const allowed = (response.headers.get('access-control-allow-headers') ?? '').split(', ')
      for (const header of SENT) assert.ok(allowed.includes(header), header)
    }
    const got = await checkout(GOOD)
    const exposed = got.headers.get('access-control-expose-headers') ?? ''
    for (const header of ['Content-Range', 'Content-Location', 'Location', 'Content-Profile'])
      assert.ok(exposed.includes(header))
  })

  it('is healthy with every protection in place, and names the one that is missing', async () => {
    // An answer is kept for a second: another server asks anew.
    const healthNow = async () => {
      await using other = await startServer(scratch)
      return await ask(other, '/functions/v1/health-check')
    }
    const bare = await healthNow()
    assert.deepEqual([bare.status, bare.json().code], [503, 'NOT_INSTALLED'])
    await scratch.admin(
      'create table public.events (id uuid); grant select, update on public.events to service_role',
    )
    for (const options of [{}, { body: {} }, { body: '' }]) {
      const got = await ask(server, '/functions/v1/health-check', options)
      assert.equal(got.status, 200)
      const { success, status, database, protections } = got.json()
      const { version, latency_ms } = database as Record<'version' | 'latency_ms', unknown>
      assert.deepEqual([success, status, protections], [true, 'ok', { active: 2, total: 2 }])
      assert.match(String(version), /^\d/)
      assert.equal(typeof latency_ms, 'number')
    }
    await scratch.admin(`create or replace function public.verify_protections()
      returns table (guarantee text, protection text, kind text, object text, active boolean, detail text) language sql stable
      begin atomic values ('g', 'capacity', 'k', 'o', false, 'disabled'), ('g', 'other', 'k', 'o', true, null); end`)
    const missing = await healthNow()
    assert.deepEqual(
      [missing.status, missing.json().code, missing.json().error],
      [503, 'PROTECTION_MISSING', 'PROTECTION_MISSING: capacity'],
    )
    await scratch.admin('drop function public.verify_protections()')
    const gone = await healthNow()
    assert.deepEqual([gone.status, gone.json().code], [503, 'NOT_INSTALLED'])
  })
})

/** Makes the stand-in of the checkout keep what it was asked, so that the test can read it. */
const KEEP_REQUESTS = `
  create function public.keep() returns trigger language plpgsql security definer as
    $$ begin new.note := current_setting('test.request', true); return new; end $$;
  create trigger keep before insert on public.notes for each row execute function public.keep();
  alter function ticketing.checkout(jsonb) rename to answer;
  create function ticketing.checkout(p_request jsonb) returns jsonb language plpgsql as $$
  begin
    perform set_config('test.request', (p_request || jsonb_build_object('role', current_user::text,
      'sub', current_setting('request.jwt.claims', true)::jsonb -> 'sub'))::text, true);
    return ticketing.answer(p_request);
  end $$`

const SENT =
  'authorization, x-client-info, apikey, content-type, x-retry-count, traceparent, tracestate, baggage, prefer, accept-profile, content-profile, range'.split(
    ', ',
  )
