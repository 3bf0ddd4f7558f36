import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Stripe } from 'stripe'
import {
  cart,
  line,
  openScene,
  paidSession,
  type Refusal,
  refuses,
  type Scene,
  SECRET_KEY,
  stripeAt,
} from './stand-in-support.ts'

let scene: Scene
before(async () => {
  scene = await openScene()
})
after(() => scene[Symbol.asyncDispose]())

const now = () => Math.floor(Date.now() / 1000)
const MINUTE = 60
const HOUR = 3_600

type Cart = Stripe.Checkout.SessionCreateParams

test('a session is created, found again, listed, expired, and expired once only', async () => {
  const { sessions } = scene.stripe.checkout
  const expires_at = now() + 31 * MINUTE
  const session = await sessions.create(cart({ expires_at, customer_email: 'ada@box.example' }))
  assert.match(session.id, /^cs_test_\w{58}$/)
  assert.equal(session.url, `${scene.url}/checkout.stripe.com/c/pay/${session.id}`)
  assert.equal(session.status, 'open')
  assert.equal(session.payment_status, 'unpaid')
  assert.equal(session.amount_total, 5000)
  assert.equal(session.currency, 'eur')
  assert.equal(session.expires_at, expires_at)
  assert.deepEqual(session.metadata, { order_id: 'order-1' })
  assert.equal(session.payment_intent, null)
  assert.deepEqual(await plain(sessions.retrieve(session.id)), await plain(session))
  assert.equal((await sessions.list({ limit: 1 })).data[0]?.id, session.id)
  const items = await sessions.listLineItems(session.id)
  assert.deepEqual(
    items.data.map(({ description, quantity, amount_total }) => [description, quantity, amount_total]),
    [['General admission', 2, 5000]],
  )
  const expired = await sessions.expire(session.id)
  assert.equal(expired.status, 'expired')
  assert.equal(expired.url, null)
  await refuses(() => sessions.expire(session.id), {
    message: /^Only Checkout Sessions with a status in \["open"\] can be expired.*`expired`/,
  })
})

const ACCEPTED: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['the shortest life', { expires_at: now() + 30 * MINUTE + 30 }],
  ['the longest life', { expires_at: now() + 24 * HOUR - 30 }],
  ['no cancel_url', { cancel_url: undefined }],
  ['100 lines', { line_items: Array.from({ length: 100 }, () => line(100)) }],
  ['the least in euros', { line_items: [line(50)] }],
  ['the least in pounds', { line_items: [line(30, 'gbp')] }],
  ['yen, which have no decimals', { line_items: [line(50, 'jpy')] }],
  ['dinars in steps of ten', { line_items: [line(1230, 'kwd')] }],
  ['crowns of Iceland in steps of a hundred', { line_items: [line(50_000, 'isk')] }],
  ['the largest charge', { line_items: [line(99_999_999)] }],
  ['a currency in capitals', { line_items: [line(500, 'EUR')] }],
  ['a line that is free beside one that is not', { line_items: [line(0), line(500)] }],
  ['nothing to pay', { line_items: [line(0)] }],
  ['a reference of 200 characters', { client_reference_id: 'x'.repeat(200) }],
  ['50 keys of metadata', { metadata: texts(50) }],
  ['metadata at its longest', { metadata: { ['k'.repeat(40)]: 'v'.repeat(500) } }],
  ['what is switched off', { adaptive_pricing: { enabled: false }, automatic_tax: { enabled: false } }],
  ['a locale and a word for the button', { locale: 'el', submit_type: 'book' }],
]

for (const [what, changes] of ACCEPTED) {
  test(`accepted: ${what}`, async () => {
    assert.equal(
      (await scene.stripe.checkout.sessions.create({ ...cart(), ...changes } as Cart)).object,
      'checkout.session',
    )
  })
}

/** What the types forbid is written as what a stranger might send. */
const REFUSED: readonly (readonly [string, Readonly<Record<string, unknown>>, Refusal])[] = [
  ['an unknown parameter', { colour: 'red' }, { code: 'parameter_unknown', param: 'colour' }],
  [
    'an unknown parameter of a line',
    { line_items: [{ ...line(500), seat: '12A' }] },
    { code: 'parameter_unknown', param: 'line_items[0][seat]' },
  ],
  ['no mode', { mode: undefined }, { code: 'parameter_missing', param: 'mode' }],
  ['a mode that is not there', { mode: 'subscription' }, { param: 'mode' }],
  ['no success_url', { success_url: undefined }, { code: 'parameter_missing', param: 'success_url' }],
  ['an address that is none', { success_url: 'box/done' }, { code: 'url_invalid', param: 'success_url' }],
  [
    'a script as address',
    { cancel_url: 'javascript:alert(1)' },
    { code: 'url_invalid', param: 'cancel_url' },
  ],
  ['an empty parameter', { cancel_url: '' }, { code: 'parameter_invalid_empty', param: 'cancel_url' }],
  ['no lines', { line_items: undefined }, { code: 'parameter_missing', param: 'line_items' }],
  ['101 lines', { line_items: Array.from({ length: 101 }, () => line(100)) }, { param: 'line_items' }],
  [
    'half a ticket',
    { line_items: [{ ...line(500), quantity: 0.5 }] },
    { code: 'parameter_invalid_integer', param: 'line_items[0][quantity]' },
  ],
  ['no ticket', { line_items: [{ ...line(500), quantity: 0 }] }, { param: 'line_items[0][quantity]' }],
  ['a price below zero', { line_items: [line(-1)] }, { param: 'line_items[0][price_data][unit_amount]' }],
  [
    'a price that nobody made',
    { line_items: [{ price: 'price_1', quantity: 1 }] },
    { code: 'resource_missing' },
  ],
  ['two currencies', { line_items: [line(500), line(500, 'usd')] }, { param: 'line_items' }],
  [
    'no currency of this world',
    { line_items: [line(500, 'xyz')] },
    { param: 'line_items[0][price_data][currency]' },
  ],
  ['too little in euros', { line_items: [line(49)] }, { code: 'amount_too_small', message: /€0\.50/ }],
  [
    'too little in pounds',
    { line_items: [line(29, 'gbp')] },
    { code: 'amount_too_small', message: /£0\.30/ },
  ],
  ['too little in forints', { line_items: [line(17_499, 'huf')] }, { code: 'amount_too_small' }],
  ['too little in yen', { line_items: [line(49, 'jpy')] }, { code: 'amount_too_small', message: /¥50/ }],
  ['too much', { line_items: [line(50_000_000, 'eur', 2)] }, { code: 'amount_too_large' }],
  ['dinars in single steps', { line_items: [line(1234, 'kwd')] }, { message: /divisible by 10\./ }],
  [
    'crowns of Iceland in single steps',
    { line_items: [line(50_001, 'isk')] },
    { message: /divisible by 100\./ },
  ],
  [
    'a life that is too short',
    { expires_at: now() + 29 * MINUTE },
    { param: 'expires_at', message: /30 minutes/ },
  ],
  [
    'a life that is too long',
    { expires_at: now() + 25 * HOUR },
    { param: 'expires_at', message: /24 hours/ },
  ],
  ['no e-mail address', { customer_email: 'ada at box' }, { code: 'email_invalid', param: 'customer_email' }],
  [
    'a reference of 201 characters',
    { client_reference_id: 'x'.repeat(201) },
    { param: 'client_reference_id' },
  ],
  ['51 keys of metadata', { metadata: texts(51) }, { param: 'metadata', message: /50 keys/ }],
  ['a key of 41 characters', { metadata: { ['k'.repeat(41)]: 'v' } }, { message: /40 characters/ }],
  ['a value of 501 characters', { metadata: { k: 'v'.repeat(501) } }, { message: /500 characters/ }],
  [
    'taxes, which the stand-in has not',
    { automatic_tax: { enabled: true } },
    { message: /does not implement/ },
  ],
  ['coupons, which the stand-in has not', { discounts: [{ coupon: 'x' }] }, { code: 'parameter_unknown' }],
  ['what cannot be expanded', { expand: ['customer'] }, { param: 'expand', message: /cannot be expanded/ }],
]

for (const [what, changes, refusal] of REFUSED) {
  test(`refused: ${what}`, async () => {
    await refuses(() => scene.stripe.checkout.sessions.create({ ...cart(), ...changes } as Cart), refusal)
  })
}

test('a wrong key and no key are told apart, and neither is repeated', async () => {
  const wrong = stripeAt(`${scene.url}/api.stripe.com`, 'sk_test_someone_else')
  await refuses(() => wrong.balance.retrieve(), {
    status: 401,
    type: 'StripeAuthenticationError',
    message: /^Invalid API Key provided\.$/,
  })
  const response = await fetch(`${scene.url}/api.stripe.com/v1/balance`)
  assert.equal(response.status, 401)
  assert.match(await response.text(), /You did not provide an API key/)
  const basic = { Authorization: `Basic ${Buffer.from(`${SECRET_KEY}:`).toString('base64')}` }
  assert.equal((await fetch(`${scene.url}/api.stripe.com/v1/balance`, { headers: basic })).status, 200)
})

test('what is not there is 404 in a path and 400 as a parameter', async () => {
  const { checkout, refunds, paymentIntents, charges, events } = scene.stripe
  const gone = { status: 404, code: 'resource_missing' }
  await refuses(() => checkout.sessions.retrieve('cs_test_1'), { ...gone, param: 'session' })
  await refuses(() => checkout.sessions.expire('cs_test_1'), gone)
  await refuses(() => paymentIntents.retrieve('pi_1'), {
    ...gone,
    message: /^No such payment_intent: 'pi_1'$/,
  })
  await refuses(() => charges.retrieve('ch_1'), gone)
  await refuses(() => refunds.retrieve('re_1'), gone)
  await refuses(() => events.retrieve('evt_1'), gone)
  await refuses(() => refunds.create({ payment_intent: 'pi_1' }), {
    ...gone,
    status: 400,
    param: 'payment_intent',
  })
  await refuses(() => refunds.list({ starting_after: 're_1' }), {
    ...gone,
    status: 400,
    param: 'starting_after',
  })
  const headers = { Authorization: `Bearer ${SECRET_KEY}` }
  assert.equal((await fetch(`${scene.url}/api.stripe.com/v1/customers`, { headers })).status, 404)
})

test('ids are expanded into what they name', async () => {
  const { session, payment } = await paidSession(scene)
  const whole = await scene.stripe.checkout.sessions.retrieve(session.id, {
    expand: ['payment_intent.latest_charge', 'line_items'],
  })
  assert.equal(whole.line_items?.data.length, 1)
  assert(typeof whole.payment_intent === 'object' && whole.payment_intent !== null)
  assert.equal(whole.payment_intent.id, payment)
  const charge = whole.payment_intent.latest_charge
  assert(typeof charge === 'object' && charge !== null)
  assert.equal(charge.payment_intent, payment)
  assert.equal(charge.amount_captured, 5000)
  assert.equal((await scene.stripe.charges.retrieve(charge.id)).id, charge.id)
})

test('pages follow each other without a gap, forwards and backwards', async () => {
  const made = []
  for (let count = 0; count < 5; count += 1) {
    made.push((await scene.stripe.checkout.sessions.create(cart())).id)
  }
  const newest = made.toReversed()
  const page = async (params: Stripe.Checkout.SessionListParams) => {
    const { data, has_more } = await scene.stripe.checkout.sessions.list(params)
    return [data.map(({ id }) => id), has_more]
  }
  assert.deepEqual(await page({ limit: 2 }), [newest.slice(0, 2), true])
  assert.deepEqual(await page({ limit: 2, starting_after: newest[1] ?? '' }), [newest.slice(2, 4), true])
  assert.deepEqual(await page({ limit: 2, ending_before: newest[3] ?? '' }), [newest.slice(1, 3), true])
  assert.deepEqual(await page({ limit: 2, ending_before: newest[1] ?? '' }), [newest.slice(0, 1), false])
  await refuses(() => scene.stripe.checkout.sessions.list({ limit: 101 }), { param: 'limit' })
})

test('a session is found by its payment', async () => {
  const { session, payment } = await paidSession(scene)
  const { data } = await scene.stripe.checkout.sessions.list({ payment_intent: payment })
  assert.deepEqual(
    data.map(({ id }) => id),
    [session.id],
  )
})

test('every answer names its request', async () => {
  const first = await scene.stripe.balance.retrieve()
  const second = await scene.stripe.balance.retrieve()
  assert.match(first.lastResponse.requestId, /^req_\w+$/)
  assert.notEqual(first.lastResponse.requestId, second.lastResponse.requestId)
})

function texts(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`key_${at}`, 'value']))
}

/** The object without what the SDK adds to it. */
async function plain(object: object | Promise<object>): Promise<unknown> {
  return JSON.parse(JSON.stringify(await object))
}
