import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cart, line, openScene, paidSession, refuses, type Scene, SECRET_KEY } from './stand-in-support.ts'

let scene: Scene
before(async () => {
  scene = await openScene()
})
after(() => scene[Symbol.asyncDispose]())

const DAY_S = 24 * 3_600

test('a repeated key gets the first answer, as it was, and makes nothing', async () => {
  const { sessions } = scene.stripe.checkout
  const first = await sessions.create(cart(), { idempotencyKey: 'repeat' })
  await scene.pay(first, { card: '4242424242424242' })
  const again = await sessions.create(cart(), { idempotencyKey: 'repeat' })
  assert.equal(again.id, first.id)
  assert.equal(again.status, 'open')
  assert.equal(header(again.lastResponse, 'idempotent-replayed'), 'true')
  assert.equal(header(first.lastResponse, 'idempotent-replayed'), null)
  assert.equal((await sessions.list({ limit: 1 })).data[0]?.id, first.id)
})

test('the order of the parameters does not make them others', async () => {
  const { line_items, ...rest } = cart()
  const first = await scene.stripe.checkout.sessions.create(cart(), { idempotencyKey: 'order' })
  const again = await scene.stripe.checkout.sessions.create(
    { ...rest, ...(line_items === undefined ? {} : { line_items }) },
    { idempotencyKey: 'order' },
  )
  assert.equal(again.id, first.id)
})

test('a key with other parameters, or for another call, is an error', async () => {
  const error = { type: 'StripeIdempotencyError', message: /same parameters they were first used with/ }
  const { sessions } = scene.stripe.checkout
  const session = await sessions.create(cart(), { idempotencyKey: 'other' })
  await refuses(() => sessions.create(cart({ locale: 'el' }), { idempotencyKey: 'other' }), error)
  await refuses(() => sessions.expire(session.id, {}, { idempotencyKey: 'other' }), error)
  assert.equal((await sessions.retrieve(session.id)).status, 'open')
})

test('a key keeps no refusal of parameters, but keeps what was refused while it ran', async () => {
  const { checkout, refunds } = scene.stripe
  const small = cart({ line_items: [line(49)] })
  await refuses(() => checkout.sessions.create(small, { idempotencyKey: 'small' }), {
    code: 'amount_too_small',
  })
  assert.equal((await checkout.sessions.create(cart(), { idempotencyKey: 'small' })).status, 'open')

  const { payment } = await paidSession(scene)
  const whole = { payment_intent: payment }
  await refunds.create(whole)
  const refusal = { code: 'charge_already_refunded' }
  await refuses(() => refunds.create(whole, { idempotencyKey: 'twice' }), refusal)
  const [refund] = (await refunds.list(whole)).data
  await scene.control(`refunds/${refund?.id}/fail`, {})
  await refuses(() => refunds.create(whole, { idempotencyKey: 'twice' }), refusal)
  assert.equal((await refunds.create(whole, { idempotencyKey: 'once' })).status, 'succeeded')
})

test('a key is forgotten after 24 hours, not before', async () => {
  await using late = await openScene()
  const { sessions } = late.stripe.checkout
  const first = await sessions.create(cart(), { idempotencyKey: 'day' })
  await late.control('clock', { advance_seconds: DAY_S - 60 })
  assert.equal((await sessions.create(cart(), { idempotencyKey: 'day' })).id, first.id)
  await late.control('clock', { advance_seconds: 120 })
  const second = await sessions.create(cart({ locale: 'el' }), { idempotencyKey: 'day' })
  assert.notEqual(second.id, first.id)
})

test('a key of more than 255 characters is refused', async () => {
  const idempotencyKey = 'k'.repeat(256)
  await refuses(() => scene.stripe.checkout.sessions.create(cart(), { idempotencyKey }), { message: /255/ })
})

test('a key that another call is using is 409, and free again when that call ends', async () => {
  const create = () => scene.stripe.checkout.sessions.create(cart(), { idempotencyKey: 'busy' })
  const slow = slowExpire('cs_test_none', 'busy')
  const inUse = { status: 409, type: 'StripeAPIError', code: 'idempotency_key_in_use' }
  await refuses(create, inUse)
  assert.equal(await slow.end(), 404)
  assert.equal((await create()).status, 'open')
})

/** A call whose body is not complete before `end`; handed over in this process, so that it has begun on return. */
function slowExpire(session: string, key: string) {
  const body = new TransformStream<Uint8Array, Uint8Array>()
  const headers = { Authorization: `Bearer ${SECRET_KEY}`, 'Idempotency-Key': key }
  const url = `${scene.url}/api.stripe.com/v1/checkout/sessions/${session}/expire`
  const init = { method: 'POST', headers, body: body.readable, duplex: 'half' } as const
  const answer = scene.fetch(new Request(url, init))
  return {
    end: async () => {
      await body.writable.close()
      return (await answer).status
    },
  }
}

function header({ headers }: { headers: object }, name: string): unknown {
  return headers instanceof Headers ? headers.get(name) : Reflect.get(headers, name)
}
