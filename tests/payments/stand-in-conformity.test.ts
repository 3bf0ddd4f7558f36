import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Stripe } from 'stripe'
import { cart, line, openScene, paidSession, type Scene, stripeAt } from './stand-in-support.ts'
import { noStripeMock, startStripeMock } from './stripe-mock.ts'

/**
 * The stand-in against stripe-mock, which Stripe generates from its specification: it knows every parameter and every
 * field, and keeps no state. What one takes the other must take; what one does not know the other must not know, of
 * the outermost parameters: stripe-mock looks no deeper.
 */
const mock = stripeAt(noStripeMock === false ? await startStripeMock() : '', 'sk_test_123')
let scene: Scene
let payment: string
before(async () => {
  scene = await openScene()
  payment = (await paidSession(scene)).payment
})
after(() => scene[Symbol.asyncDispose]())

const skip = { skip: noStripeMock }
const inAnHour = () => Math.floor(Date.now() / 1000) + 3_600

const CREATED: readonly (readonly [string, () => Stripe.Checkout.SessionCreateParams])[] = [
  ['a plain cart', () => cart()],
  ['a cart with an end', () => cart({ expires_at: inAnHour(), customer_email: 'ada@box.example' })],
  ['a cart in yen', () => cart({ line_items: [line(500, 'jpy'), line(700, 'jpy', 3)] })],
  [
    'every parameter that the stand-in knows',
    () =>
      cart({
        adaptive_pricing: { enabled: false },
        allow_promotion_codes: false,
        automatic_tax: { enabled: false },
        billing_address_collection: 'auto',
        currency: 'eur',
        customer_creation: 'if_required',
        customer_email: 'ada@box.example',
        expand: ['payment_intent'],
        expires_at: inAnHour(),
        invoice_creation: { enabled: false },
        line_items: [
          {
            quantity: 2,
            price_data: {
              currency: 'eur',
              unit_amount: 2500,
              tax_behavior: 'unspecified',
              product_data: {
                name: 'Balcony',
                description: 'Row A',
                images: ['https://box.example/a.png'],
                metadata: { tier: 't' },
              },
            },
          },
        ],
        locale: 'el',
        payment_intent_data: {
          capture_method: 'automatic',
          description: 'Order 1',
          metadata: { order_id: 'order-1' },
          receipt_email: 'ada@box.example',
          statement_descriptor_suffix: 'BOX',
        },
        phone_number_collection: { enabled: false },
        submit_type: 'book',
      }),
  ],
]

for (const [what, parameters] of CREATED) {
  test(`both create ${what}, with the same fields`, skip, async () => {
    const [ours, theirs] = await both(({ checkout }) => checkout.sessions.create(parameters()))
    assertFields(ours, theirs)
  })
}

test('both expire, retrieve and list sessions', skip, async () => {
  const { id } = await scene.stripe.checkout.sessions.create(cart())
  const calls: readonly ((stripe: Stripe) => Promise<object>)[] = [
    ({ checkout }) => checkout.sessions.retrieve(id),
    ({ checkout }) => checkout.sessions.expire(id),
    ({ checkout }) => checkout.sessions.list({ limit: 3, payment_intent: payment }),
    ({ checkout }) => checkout.sessions.listLineItems(id, { limit: 10 }),
    ({ events }) =>
      events.list({ types: ['checkout.session.completed'], created: { gte: 0 }, delivery_success: true }),
    ({ balance }) => balance.retrieve(),
  ]
  for (const call of calls) assertFields(...(await both(call)))
})

test('both refund, and show the payment with the same fields', skip, async () => {
  const calls: readonly ((stripe: Stripe) => Promise<object>)[] = [
    ({ refunds }) =>
      refunds.create({
        payment_intent: payment,
        amount: 100,
        reason: 'requested_by_customer',
        metadata: { refund_id: 'r-1', order_id: 'order-1' },
      }),
    ({ refunds }) => refunds.list({ payment_intent: payment, limit: 100 }),
    ({ paymentIntents }) => paymentIntents.retrieve(payment, { expand: ['latest_charge'] }),
    ({ charges }) => charges.retrieve(payment.replace('pi_', 'ch_')),
  ]
  for (const call of calls) assertFields(...(await both(call)))
})

const UNKNOWN: readonly (readonly [string, (stripe: Stripe) => Promise<unknown>])[] = [
  ['of a cart', ({ checkout }) => checkout.sessions.create(strange(cart()))],
  ['of an expiry', ({ checkout }) => checkout.sessions.expire('cs_test_1', strange({}))],
  ['of a refund', ({ refunds }) => refunds.create(strange({ payment_intent: payment }))],
  ['of a list', ({ refunds }) => refunds.list(strange({}))],
]

for (const [what, call] of UNKNOWN) {
  test(`both refuse an unknown parameter ${what}`, skip, async () => {
    for (const stripe of [scene.stripe, mock]) {
      await assert.rejects(call(stripe), { type: 'StripeInvalidRequestError', statusCode: 400 })
    }
  })
}

function strange<T extends object>(parameters: T): T {
  return { ...parameters, colour_of_the_seat: 'red' }
}

async function both<T>(call: (stripe: Stripe) => Promise<T>): Promise<[T, T]> {
  return [await call(scene.stripe), await call(mock)]
}

/** Stripe-mock knows an older API than the SDK: fields that it lacks may be there, fields that it has may not lack. */
function assertFields(ours: object, theirs: object): void {
  const missing = Object.keys(theirs).filter((field) => !(field in ours) && !NOT_OURS.has(field))
  assert.deepEqual(missing, [])
}

/** Fields for what the box office does not use: tips, platforms' reserves, where a refund shows; `refunds` is expanded only. */
const NOT_OURS = new Set(['amount_details', 'connect_reserved', 'destination_details', 'refunds'])
