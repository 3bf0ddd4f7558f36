import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, it } from 'node:test'
import { buildApp } from '../../src/api/app.ts'
import { listen } from '../../src/api/listen.ts'
import { openPool } from '../../src/db/pool.ts'
import { openStripe, type PaymentProvider } from '../../src/payments/provider.ts'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import { addTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import { CODES } from '../support/codes.ts'
import { ask, serve } from './scratch.ts'
import { freshKey, openShop, SECRET_KEY, SPELLINGS, signed, WEBHOOK_SECRET } from './shop.ts'

const shop = await openShop()
const { db, house } = shop

const cartOf = (name: string, tier: string, quantity = 1) =>
  SPELLINGS[name]?.(house.eventId, tier, quantity) ?? {}
const guest = (tier: string, headers = {}, quantity = 1) =>
  shop.call('guest-checkout', cartOf('guest-checkout', tier, quantity), headers)
const heldOf = (tier: string) =>
  db.value<number>('select reserved_quantity from ticket_tiers where id = $1', [tier])
const paidTier = (more = {}) => addTier(db, house.eventId, { priceCents: 2500, ...more })

describe('a checkout that is paid', () => {
  it('answers with what was priced by the database, and becomes tickets', async () => {
    await db.rows('update events set fee_fixed_cents = 100, fee_basis_points = 500')
    const tier = await paidTier()
    const { body } = await guest(tier, {}, 2)
    await db.rows('update events set fee_fixed_cents = 0, fee_basis_points = 0')
    assert.deepEqual(body['pricing'], {
      subtotal_cents: 5000,
      fees_cents: 450,
      total_cents: 5450,
      currency: 'EUR',
    })
    assert.deepEqual([body['success'], (body['hold_ids'] as unknown[]).length], [true, 1])
    assert.match(String(body['checkout_session_id']), /^cs_test_/)
    assert.ok(Date.parse(String(body['expires_at'])) > Date.now())
    assert.equal((await shop.pay(String(body['session_url']))).status, 'complete')
    await shop.delivered()
    const order = await db.rows('select status, total_cents::int from orders where id = $1', [
      body['order_id'],
    ])
    assert.deepEqual(order, [{ status: 'paid', total_cents: 5450 }])
    assert.equal(await db.value('select sold_quantity from ticket_tiers where id = $1', [tier]), 2)
  })

  it('whose pay page the database does not take is not told as undone: its order stands, and the key leads to it', async () => {
    const tier = await paidTier()
    const key = freshKey()
    await db.rows(`
      create function conflict() returns trigger language plpgsql as
        $$ begin raise exception 'conflict' using errcode = '40001'; end $$;
      create trigger conflict before update on ticketing.checkout_sessions for each row execute function conflict();`)
    const first = await guest(tier, key)
    await db.rows('drop function conflict cascade')
    assert.deepEqual([first.status, first.body['error_code']], [503, 'PAYMENT_UNAVAILABLE'])
    assert.match(String(first.body['order_url']), /\/orders\//)
    const again = await guest(tier, key)
    assert.deepEqual([again.status, again.body['order_id']], [200, first.body['order_id']])
    assert.equal(await heldOf(tier), 1)
  })

  it('gives the order page to whoever asks again under the key', async () => {
    const tier = await paidTier()
    const key = freshKey()
    const first = await guest(tier, key)
    await shop.pay(String(first.body['session_url']))
    await shop.delivered()
    const again = await guest(tier, key)
    assert.equal(again.headers.get('x-idempotent-replay'), 'true')
    assert.equal(again.body['order_id'], first.body['order_id'])
    assert.match(String(again.body['session_url']), /\/orders\/.*\/[0-9a-f]{32}$/)
    assert.equal((again.body['tickets'] as unknown[]).length, 1)
  })

  it('ignores the prices of the request, also where they differ under one key', async () => {
    const tier = await paidTier()
    const key = freshKey()
    const send = (unit_price_cents: number) =>
      shop.call(
        'guest-checkout',
        {
          event_id: house.eventId,
          contact_email: 'a@b.example',
          items: [{ tier_id: tier, quantity: 1, unit_price_cents }],
        },
        key,
      )
    const [first, again] = [await send(1), await send(2)]
    assert.deepEqual([first.status, again.body], [200, first.body])
  })

  it('takes a key of one door for another request at the next', async () => {
    const tier = await paidTier()
    const key = freshKey()
    assert.equal((await guest(tier, key)).status, 200)
    const other = await shop.call('enhanced-checkout', cartOf('enhanced-checkout', tier), key)
    assert.deepEqual([other.status, other.body['error_code']], [422, 'IDEMPOTENCY_KEY_REUSED'])
  })

  it('asks a stranger who he is where a person may have so many only', async () => {
    const tier = await paidTier()
    await db.rows('update ticket_tiers set max_per_person = 2 where id = $1', [tier])
    const nobody = { eventId: house.eventId, ticketSelections: [{ tierId: tier, quantity: 1 }] }
    const unnamed = await shop.call('enhanced-checkout', nobody)
    assert.deepEqual([unnamed.status, unnamed.body['error_code']], [400, 'PERSON_REQUIRED'])
    assert.equal((await shop.call('enhanced-checkout', nobody, await shop.tokenOf(randomUUID()))).status, 200)
    assert.equal((await guest(tier, {}, 2)).status, 200)
    const third = await shop.call('enhanced-checkout', cartOf('enhanced-checkout', tier))
    assert.deepEqual([third.status, third.body['error_code']], [409, 'LIMIT_EXCEEDED'])
  })

  it('is one order and one session, however often the same key comes at once', async () => {
    const tier = await paidTier({ total: 3 })
    const key = freshKey()
    const all = await Promise.all(Array.from({ length: 8 }, () => guest(tier, key, 3)))
    assert.deepEqual([...new Set(all.map(({ status }) => status))], [200])
    assert.equal(new Set(all.map(({ body }) => body['order_id'])).size, 1)
    assert.equal(new Set(all.map(({ body }) => body['session_url'])).size, 1)
    assert.equal(await heldOf(tier), 3)
  })
})

/** The same database behind another server. */
async function serverWith(app: Partial<Parameters<typeof buildApp>[0]>, max = 2) {
  const server = await serve(db.url, { max, app })
  after(() => server[Symbol.asyncDispose]())
  return server
}

/** A provider whose calls end as they are told, and reach nobody. */
const silent = openStripe({
  secretKey: SECRET_KEY,
  webhookSecret: WEBHOOK_SECRET,
  apiUrl: 'http://127.0.0.1:9',
  timeoutMs: 2_000,
})

describe('a provider that does not answer', () => {
  it('is 503 with Retry-After: the hold is kept, nothing is stored, and the retry goes on', async () => {
    const server = await serverWith({ payments: silent })
    const tier = await paidTier({ total: 1 })
    const headers = freshKey()
    const body = cartOf('create-checkout-session', tier)
    const lost = await ask(server, '/functions/v1/create-checkout-session', { body, headers })
    assert.deepEqual(
      [lost.status, lost.json().code, lost.headers.get('retry-after')],
      [503, 'PAYMENT_UNAVAILABLE', '5'],
    )
    assert.equal(await heldOf(tier), 1)
    const line = JSON.parse(server.logged.at(-1) ?? '{}')
    assert.deepEqual([line.level, line.status], ['warn', 503])
    assert.match(line.message, /connection_error/)
    assert.doesNotMatch(server.logged.join(), /sk_test|ada@/)
    const retry = await shop.call('create-checkout-session', body, headers)
    assert.deepEqual([retry.status, retry.headers.get('x-idempotent-replay')], [200, 'true'])
    assert.match(String(retry.body['url']), /checkout\.stripe\.com/)
    assert.equal(await heldOf(tier), 1)
  })

  it('is 503 too where there is none at all, while what is free is sold', async () => {
    const server = await serverWith({})
    const buy = async (tier: string) =>
      ask(server, '/functions/v1/create-ticket-checkout', { body: cartOf('create-ticket-checkout', tier) })
    const paid = await buy(await paidTier())
    assert.deepEqual([paid.status, paid.json().code], [503, 'PAYMENT_UNAVAILABLE'])
    assert.equal((await buy(await addTier(db, house.eventId))).status, 200)
    const hook = await ask(server, '/functions/v1/stripe-webhook', { body: {} })
    assert.deepEqual([hook.status, hook.json().code], [503, 'PAYMENT_UNAVAILABLE'])
    const health = await ask(server, '/functions/v1/health-check')
    assert.equal(JSON.parse(health.text).payments.mode, 'none')
  })
})

describe('where buyers are sent after paying', () => {
  const send = async (more: object, server = shop.server) => {
    const tier = await paidTier()
    const body = { ...cartOf('create-checkout-session', tier), ...more }
    const got = await ask(server, '/functions/v1/create-checkout-session', { body })
    const stored = await db.rows<{ parameters: Record<string, string> }>(
      'select parameters from ticketing.checkout_sessions order by created_at desc limit 1',
    )
    return { ...got, parameters: stored[0]?.parameters ?? {} }
  }

  it('is any page of the web, the session id put in', async () => {
    const { status, parameters } = await send({
      successUrl: 'https://x.example/a b/{CHECKOUT_SESSION_ID}?q=ü',
    })
    assert.equal(status, 200)
    assert.equal(parameters['success_url'], 'https://x.example/a%20b/{CHECKOUT_SESSION_ID}?q=%C3%BC')
  })

  it('is the page of the order where the request names none', async () => {
    const { status, parameters } = await send({ successUrl: undefined, cancelUrl: null })
    assert.equal(status, 200)
    assert.match(String(parameters['success_url']), /\/orders\/[0-9a-f-]{36}\/[0-9a-f]{32}/)
  })

  const bad = [
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://x.example/',
    '//x.example',
    'x',
    'https://',
    '',
    7,
  ]
  for (const url of bad) {
    it(`is never ${JSON.stringify(url)}`, async () => {
      for (const field of ['successUrl', 'cancelUrl']) {
        const { status, json } = await send({ [field]: url })
        assert.deepEqual([status, json().code, json().field], [400, 'INVALID_REQUEST', field])
      }
    })
  }

  it('is a listed origin or our own, where the operator lists them', async () => {
    const server = await serverWith({ payments: shop.payments, allowedRedirects: ['https://shop.example'] })
    assert.equal((await send({}, server)).status, 200)
    assert.equal((await send({ successUrl: `${server.url}/done` }, server)).status, 200)
    for (const url of [
      'https://evil.example/',
      'http://shop.example/',
      'https://shop.example.evil.example/',
      'https://shop.example@evil.example/',
      'https:\\\\evil.example/shop.example',
      'https://shop.example:444/',
    ]) {
      const { status, json } = await send({ successUrl: url }, server)
      assert.deepEqual([status, json().field], [400, 'successUrl'], url)
    }
    const { parameters } = await send({ successUrl: 'https://shop.example\\@evil.example/' }, server)
    assert.equal(parameters['success_url'], 'https://shop.example/@evil.example/')
  })
})

describe('buyers who take every connection', () => {
  it('keep no gate, no webhook and no health check waiting', async () => {
    const own = await openPool(db.url, { max: 1, name: 'lanes-test' })
    after(() => own.close())
    const laneDatabases = { gates: own, webhooks: own, health: own }
    const server = await serverWith({ payments: shop.payments, laneDatabases }, 1)
    const tier = await addTier(db, house.eventId)
    const holder = await db.connect()
    await holder.query('begin')
    await holder.query('select from ticket_tiers where id = $1 for update', [tier])
    const buyer = ask(server, '/functions/v1/create-ticket-checkout', {
      body: cartOf('create-ticket-checkout', tier),
    })
    await untilWaiting(db, 1)
    const body = JSON.stringify({ id: `evt_${randomUUID()}`, type: 'x', data: { object: {} } })
    const headers = { 'stripe-signature': signed(body) }
    assert.equal((await ask(server, '/functions/v1/stripe-webhook', { body, headers })).status, 200)
    assert.equal((await ask(server, '/functions/v1/health-check')).status, 200)
    const doors: readonly (readonly [path: string, body: object])[] = [
      ['/functions/v1/validate-qr', { qrData: 'nothing of ours', businessId: house.businessId }],
      ['/rest/v1/rpc/scan_ticket_atomic', { p_ticket_id: randomUUID(), p_scanned_by: randomUUID() }],
    ]
    const service = { apikey: server.authenticator.keys.serviceRole }
    for (const [path, body] of doors) {
      assert.equal((await ask(server, path, { body, headers: service })).status, 200, path)
    }
    await holder.query('rollback')
    assert.equal((await buyer).status, 200)
  })
})

describe('stopping in the middle of a checkout', () => {
  it('finishes it: what the provider was asked is answered and stored', async () => {
    const asked = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const payments: PaymentProvider = {
      ...shop.payments,
      createSession: async (parameters, key) => {
        asked.resolve()
        await goOn.promise
        return shop.payments.createSession(parameters, key)
      },
    }
    const database = await openPool(db.url, { max: 2, name: 'stop-test' })
    const listening = await listen(
      buildApp({ database, authenticator: shop.server.authenticator, codes: CODES, payments }),
    )
    const tier = await paidTier()
    const buying = fetch(`${listening.url}/functions/v1/guest-checkout`, {
      method: 'POST',
      body: JSON.stringify(cartOf('guest-checkout', tier)),
    })
    await asked.promise
    const closed = listening.close()
    goOn.resolve()
    const answer = await buying
    const { order_id } = (await answer.json()) as { order_id: string }
    await closed
    await database.close()
    assert.deepEqual([answer.status, answer.headers.get('connection')], [200, 'close'])
    assert.equal(
      await db.value('select status from ticketing.checkout_sessions where order_id = $1', [order_id]),
      'open',
    )
  })
})

describe('after all that', () => {
  it('the laws are whole', () => assertLawful(db))
})
