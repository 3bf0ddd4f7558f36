import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stripe } from 'stripe'
import type { Chaos } from '../../src/payments/stand-in.ts'
import { cart, openScene, paidSession, refuses, type Scene } from './stand-in-support.ts'

const MINUTE = 60
const HOUR = 3_600
/** Bound of the wait for an event to be given up; three days take about twenty. */
const ROUNDS_MAX = 200

test('a payment is told in signed events of the SDK’s version, with the objects of that moment', async () => {
  await using scene = await openScene()
  const { session, payment } = await paidSession(scene)
  await scene.stripe.refunds.create({ payment_intent: payment }, { idempotencyKey: 'refund:1' })
  await scene.delivered()
  const completed = found(scene, 'checkout.session.completed')
  assert.equal(completed.api_version, Stripe.API_VERSION)
  assert.equal(completed.livemode, false)
  const { object } = completed.data
  assert(object.object === 'checkout.session')
  assert.equal(object.id, session.id)
  assert.equal(object.status, 'complete')
  assert.equal(object.payment_status, 'paid')
  assert.equal(object.payment_intent, payment)
  assert.equal(object.client_reference_id, 'order-1')
  const succeeded = found(scene, 'payment_intent.succeeded').data.object
  assert(succeeded.object === 'payment_intent')
  assert.deepEqual(succeeded.metadata, { order_id: 'order-1' })
  assert.equal(succeeded.amount_received, 5000)
  assert.equal(found(scene, 'refund.created').request?.idempotency_key, 'refund:1')
})

test('a session ends by itself at its time, and says so once', async () => {
  await using scene = await openScene()
  const expires_at = Math.floor(Date.now() / 1000) + 31 * MINUTE
  const session = await scene.stripe.checkout.sessions.create(cart({ expires_at }))
  await scene.control('clock', { advance_seconds: 30 * MINUTE })
  assert.equal((await scene.stripe.checkout.sessions.retrieve(session.id)).status, 'open')
  await scene.control('clock', { advance_seconds: 2 * MINUTE })
  assert.equal((await scene.stripe.checkout.sessions.retrieve(session.id)).status, 'expired')
  assert.deepEqual(await scene.delivered(), ['checkout.session.expired'])
  assert.equal((await scene.pay(session, { card: '4242424242424242' })).status, 410)
})

test('a time scale shortens every duration and leaves the time alone', async () => {
  await using scene = await openScene({ timeScale: 200 })
  const create = (seconds: number) =>
    scene.stripe.checkout.sessions.create(cart({ expires_at: Math.floor(Date.now() / 1000) + seconds }))
  await refuses(() => create(6), { param: 'expires_at', message: /30 minutes/ })
  await refuses(() => create(440), { param: 'expires_at', message: /24 hours/ })
  const session = await create(12)
  assert(Math.abs(session.created - Date.now() / 1000) < 5)
  await scene.control('clock', { advance_seconds: 12 })
  assert.deepEqual(await scene.delivered(), ['checkout.session.expired'])
})

test('the clock goes back to the machine’s time, and no further', async () => {
  await using scene = await openScene()
  assert.equal((await scene.control('clock', { advance_seconds: 90 }))['ahead_seconds'], 90)
  assert.equal((await scene.control('clock', { advance_seconds: -30 }))['ahead_seconds'], 60)
  assert.equal((await scene.control('clock', { advance_seconds: -3600 }))['ahead_seconds'], 0)
})

test('a debit that succeeds is paid later', async () => {
  await using scene = await openScene()
  const session = await scene.stripe.checkout.sessions.create(cart())
  const { status, body } = await scene.pay(session, {
    method: 'bank_debit',
    outcome: 'succeeds',
    after_seconds: 3 * HOUR,
  })
  assert.deepEqual([status, body['status'], body['payment_status']], [200, 'complete', 'unpaid'])
  assert.deepEqual(await scene.delivered(), ['checkout.session.completed'])
  const first = found(scene, 'checkout.session.completed').data.object
  assert(first.object === 'checkout.session')
  assert.equal(first.payment_status, 'unpaid')
  assert.deepEqual((await scene.control('ledger'))['payments'], [])
  await scene.control('clock', { advance_seconds: 3 * HOUR })
  assert.deepEqual((await scene.delivered()).slice(1).toSorted(), [
    'checkout.session.async_payment_succeeded',
    'payment_intent.succeeded',
  ])
  assert.equal((await scene.stripe.checkout.sessions.retrieve(session.id)).payment_status, 'paid')
})

test('a debit that fails is told, and takes nothing', async () => {
  await using scene = await openScene()
  const session = await scene.stripe.checkout.sessions.create(cart())
  await scene.pay(session, { method: 'bank_debit', outcome: 'fails', after_seconds: 0 })
  await scene.delivered()
  await scene.control('clock', { advance_seconds: 1 })
  assert.deepEqual((await scene.delivered()).slice(1).toSorted(), [
    'checkout.session.async_payment_failed',
    'payment_intent.payment_failed',
  ])
  assert.deepEqual((await scene.control('ledger'))['payments'], [])
})

test('an event that the endpoint does not take is sent again, later and later', async () => {
  await using scene = await openScene({ timeScale: 1000 })
  scene.answers.push(500, 503, 400)
  await paidSession(scene)
  const types = await scene.delivered()
  assert.equal(types.length, 2)
  assert.equal((await scene.control('deliveries'))['failed_attempts'], 3)
})

test('who asks for it gets at once what waits for a retry, and only that', async () => {
  await using scene = await openScene()
  scene.answers.push(500)
  await paidSession(scene)
  for (let round = 0; round < ROUNDS_MAX && (await scene.control('deliveries'))['pending'] !== 1; round += 1)
    await scene.control('deliveries?wait=idle&seconds=0.05')
  assert.deepEqual((await scene.control('deliveries?wait=idle&seconds=0.05'))['failed_attempts'], 1)
  await scene.control('deliveries/retry', null)
  assert.equal((await scene.delivered()).length, 2)
  await scene.control('deliveries/retry', null)
  await scene.control('clock', { advance_seconds: 60 })
  assert.equal((await scene.control('deliveries?wait=idle&seconds=0'))['delivered'], 2)
})

test('an event that nobody takes for three days is given up, and can still be read', async () => {
  await using scene = await openScene({ webhookUrl: () => 'http://127.0.0.1:9/nobody' })
  const { payment } = await paidSession(scene)
  const { events } = scene.stripe
  let last = await scene.control('deliveries')
  for (let round = 0; round < ROUNDS_MAX && last['idle'] !== true; round += 1) {
    await scene.control('clock', { advance_seconds: 4 * HOUR })
    last = await scene.control('deliveries?wait=idle&seconds=0.05')
  }
  assert.deepEqual([last['pending'], last['given_up'], last['delivered']], [0, 2, 0])
  assert(Number(last['failed_attempts']) >= 2 * 10)
  const { data } = await events.list({ types: ['payment_intent.succeeded'], delivery_success: true })
  assert.equal(data.length, 1)
  const object = data[0]?.data.object
  assert(object !== undefined && 'id' in object)
  assert.equal(object.id, payment)
})

test('while there is no endpoint events wait', async () => {
  let url: string | undefined
  await using taker = await openScene()
  await using scene = await openScene({ webhookUrl: () => url })
  await paidSession(scene)
  assert.equal((await scene.control('deliveries?wait=idle&seconds=0'))['pending'], 2)
  const [pending] = (await scene.stripe.events.list({ limit: 1 })).data
  assert.equal(pending?.pending_webhooks, 1)
  url = taker.endpoint
  await scene.delivered()
  assert.equal(taker.events.length, 2)
})

const CHAOS: Chaos = { seed: 7, duplicates: 5, delayMs: 30, lostAnswers: 0, lostEvents: 0.2 }

test('chaos duplicates, reorders and loses events, the same way for the same seed', async () => {
  const first = await chaosRun(7)
  assert.deepEqual((await chaosRun(7)).copies, first.copies)
  assert.notDeepEqual((await chaosRun(8)).copies, first.copies)
  assert.equal(Math.max(...first.copies), 5)
  assert(first.lost > 0)
  assert.equal(first.lost, first.copies.filter((copies) => copies === 0).length)
  assert.notDeepEqual(
    first.arrivals,
    first.arrivals.toSorted((a, b) => a - b),
  )
})

/** How often each event arrived, in the order they were made, and the order they arrived in. */
async function chaosRun(seed: number) {
  await using scene = await openScene({ chaos: { ...CHAOS, seed } })
  for (let count = 0; count < 12; count += 1) await paidSession(scene)
  await scene.delivered()
  const { data } = await scene.stripe.events.list({ limit: 100 })
  const made = data.map(({ id }) => id).toReversed()
  const arrivals = scene.events.map(({ id }) => made.indexOf(id))
  const copies = made.map((_, at) => arrivals.filter((arrival) => arrival === at).length)
  return { copies, arrivals, lost: Number((await scene.control('deliveries'))['lost']) }
}

const CALM = { seed: 3, duplicates: 1, delayMs: 0, lostAnswers: 0 }

test('lost answers took effect, and the key tells what happened', async () => {
  await using scene = await openScene()
  await scene.control('chaos', { ...CALM, lostAnswers: 0.5 })
  const kinds = new Set<string>()
  for (let count = 0; count < 20; count += 1) {
    const create = () => scene.stripe.checkout.sessions.create(cart(), { idempotencyKey: `order-${count}` })
    await create().catch((error: unknown) => {
      assert(error instanceof Stripe.errors.StripeError)
      kinds.add(error.type)
      return create()
    })
  }
  await scene.control('chaos', null)
  assert.deepEqual([...kinds].toSorted(), ['StripeAPIError', 'StripeConnectionError'])
  assert.equal((await scene.stripe.checkout.sessions.list({ limit: 100 })).data.length, 20)
})

test('a call that meets the rate limit takes no effect', async () => {
  await using scene = await openScene()
  await scene.control('chaos', { ...CALM, rateLimited: 1 })
  const limited = { status: 429, type: 'StripeRateLimitError', code: 'rate_limit' }
  await refuses(() => scene.stripe.checkout.sessions.create(cart(), { idempotencyKey: 'again' }), limited)
  await scene.control('chaos', null)
  assert.deepEqual((await scene.stripe.checkout.sessions.list()).data, [])
  assert.equal(
    (await scene.stripe.checkout.sessions.create(cart(), { idempotencyKey: 'again' })).status,
    'open',
  )
})

test('control needs the secret key, and says what it cannot read', async () => {
  await using scene = await openScene()
  assert.equal((await fetch(`${scene.url}/stand-in/ledger`)).status, 401)
  await assert.rejects(scene.control('clock', { seconds: 5 }), /400.*advance_seconds/s)
  await assert.rejects(scene.control('disputes', { payment_intent: 'pi_1' }), /404.*No such payment_intent/s)
  await assert.rejects(scene.control('nothing'), /404/)
})

type Type = Stripe.Event['type']

function found(scene: Scene, type: Type): Stripe.Event {
  const event = scene.events.find((one) => one.type === type)
  assert(event !== undefined, `${type} did not arrive`)
  return event
}
