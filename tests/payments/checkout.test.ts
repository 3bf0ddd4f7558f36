import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OrderPayment } from '../../src/desk/orders.ts'
import { payForOrder } from '../../src/payments/checkout.ts'
import type { PaymentProvider } from '../../src/payments/provider.ts'
import { assertLawful } from '../support/callers.ts'
import { freePort } from '../support/free-port.ts'
import { openProviderWorld, providerAt } from './provider-world.ts'

const LOSE_EVERY_ANSWER = { seed: 1, duplicates: 1, delayMs: 0, lostAnswers: 1 }
const IN_USE = { kind: 'unknown', code: 'idempotency_key_in_use', message: '', cause: undefined } as const

const world = await openProviderWorld()
const nobody = providerAt(`http://127.0.0.1:${await freePort()}`, undefined, 1_000)

test('an order gets its pay page, for what it costs, and the same one again without another call', async () => {
  const order = await world.order()
  const paying = await payForOrder(world.database, world.provider, order)
  assert.ok(paying.kind === 'open' && paying.url?.includes('checkout.stripe.com'))
  const session = await world.provider.retrieveSession(paying.sessionId)
  assert.ok(session.kind === 'done')
  assert.deepEqual(
    [session.value.amount_total, session.value.currency, session.value.client_reference_id],
    [5_000, 'eur', order.order_id],
  )
  const open: OrderPayment = {
    ...order.payment,
    state: 'open',
    session_id: paying.sessionId,
    url: paying.url,
  }
  assert.deepEqual(await payForOrder(world.database, nobody, { ...order, payment: open }), paying)
})

test('ten callers at once get one session', async () => {
  const order = await world.order()
  const before = await world.sessions()
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => payForOrder(world.database, world.provider, order)),
  )
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1)
  assert.equal(answers[0]?.kind, 'open')
  assert.equal(await world.sessions(), before + 1)
})

test('a click while the first one is under way waits for its session; only for so long', async () => {
  const order = await world.order()
  let inUse = 2
  const busy: PaymentProvider = {
    ...world.provider,
    createSession: async (parameters, key) =>
      inUse-- > 0 ? IN_USE : world.provider.createSession(parameters, key),
  }
  assert.equal((await payForOrder(world.database, busy, order)).kind, 'open')
  inUse = Number.POSITIVE_INFINITY
  assert.equal((await payForOrder(world.database, busy, order)).kind, 'unknown')
})

test('what the provider refuses for good gives the tickets back, and says so in codes alone', async () => {
  const order = await world.order()
  const reserved = (await world.orderRow(order.order_id)).reserved
  const parameters = { ...order.payment.parameters, customer_email: 'not-an-address@nowhere' }
  const paying = await payForOrder(world.database, world.provider, {
    ...order,
    payment: { ...order.payment, parameters },
  })
  assert.ok(paying.kind === 'refused')
  const { status, held, reserved: left } = await world.orderRow(order.order_id)
  assert.deepEqual([status, held, left], ['expired', 0, reserved - 2])
  const { status: refused, last_error } = await world.session(order.order_id)
  assert.equal(refused, 'refused')
  assert.match(last_error ?? '', /customer_email/)
  assert.ok(!`${last_error}${paying.message}${JSON.stringify(world.failures)}`.includes('nowhere'))
})

test('without an answer the order waits with its tickets, and the retry goes on', async () => {
  const order = await world.order()
  const unknown = await payForOrder(world.database, nobody, order)
  assert.equal(unknown.kind, 'unknown')
  const { status, held } = await world.orderRow(order.order_id)
  assert.deepEqual([status, held], ['pending', 2])
  assert.equal((await payForOrder(world.database, world.provider, order)).kind, 'open')
})

test('a call that was done and whose answer was lost is one session after the retry', async () => {
  const order = await world.order()
  const before = await world.sessions()
  await world.control('chaos', LOSE_EVERY_ANSWER)
  assert.equal((await payForOrder(world.database, world.provider, order)).kind, 'unknown')
  assert.equal((await world.session(order.order_id)).status, 'creating')
  await world.control('chaos', null)
  assert.equal((await payForOrder(world.database, world.provider, order)).kind, 'open')
  assert.equal(await world.sessions(), before + 1)
})

test('an order that ends while its session is opened: the session is ended too', async () => {
  const order = await world.order()
  const slow: PaymentProvider = {
    ...world.provider,
    createSession: async (parameters, key) => {
      const created = await world.provider.createSession(parameters, key)
      await world.due(true)
      return created
    },
  }
  assert.equal((await payForOrder(world.database, slow, order)).kind, 'ended')
  const { status, session_id } = await world.session(order.order_id)
  assert.equal(status, 'expired')
  const session = await world.provider.retrieveSession(session_id ?? '')
  assert.equal(session.kind === 'done' && session.value.status, 'expired')
  assert.equal((await world.orderRow(order.order_id)).status, 'expired')
})

test('no connection is kept during the call: the only one is free while the provider thinks', async () => {
  const order = await world.order()
  const thinking: PaymentProvider = {
    ...world.provider,
    createSession: async (parameters, key) => {
      await world.database.run('select 1')
      return world.provider.createSession(parameters, key)
    },
  }
  assert.equal((await payForOrder(world.database, thinking, order)).kind, 'open')
})

test('an order whose session has ended cannot be paid any more', async () => {
  const order = await world.order()
  for (const state of ['expired', 'refused'] as const) {
    const payment = { ...order.payment, state }
    assert.deepEqual(await payForOrder(world.database, world.provider, { ...order, payment }), {
      kind: 'ended',
    })
  }
})

test('the laws hold', () => assertLawful(world.db))
