import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, buyTickets } from '../support/box-office.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  booksOf,
  completed,
  countsOf,
  eventOf,
  expired,
  ourRefund,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
  refundOf,
  requestRefund,
  sessionOf,
  settleRefund,
  standOf,
} from '../support/money.ts'

const { db, eventId } = await openOfficeWithFees()

const inbox = (id: unknown) =>
  db.value(
    `select jsonb_build_object('outcome', outcome, 'order', order_id, 'kept', payload is not null)
     from webhook_events where id = $1`,
    [id],
  )

/** Sessions that name an order of ours and are none of ours; `opened`: ours is known by its id. */
const strangers: readonly [string, { opened: boolean }, object][] = [
  ['a reference that a buyer wrote into a payment link', { opened: false }, { metadata: {} }],
  ['a reference, where ours is open', { opened: true }, { metadata: {} }],
  ['metadata without the attempt', { opened: false }, { metadata: 'order' }],
  ['metadata with an attempt that never was', { opened: false }, { metadata: 'attempt 7' }],
  ['order and attempt, where ours has another id', { opened: true }, {}],
  ['metadata of another order and a reference to this one', { opened: false }, { metadata: 'another' }],
  ['what is no order id', { opened: true }, { client_reference_id: 'cart 7', metadata: { order_id: 'x' } }],
  ['nothing', { opened: false }, { client_reference_id: null, metadata: null }],
]

const told: readonly [string, (stranger: PlacedOrder, change: object) => Record<string, unknown>][] = [
  ['paid', completed],
  ['authorised', (order, change) => completed(order, { payment_status: 'unpaid', ...change })],
  [
    'paid at last',
    (order, change) => eventOf('checkout.session.async_payment_succeeded', sessionOf(order, change)),
  ],
  ['failed', (order, change) => eventOf('checkout.session.async_payment_failed', sessionOf(order, change))],
  [
    'expired',
    (order, change) =>
      eventOf('checkout.session.expired', {
        ...sessionOf(order, change),
        status: 'expired',
        payment_status: 'unpaid',
      }),
  ],
]

describe('a session that names our order, and is none of ours', () => {
  for (const [what, { opened }, change] of strangers)
    for (const [how, event] of told)
      it(`by ${what}, ${how}: UNMATCHED, and the order waits as before`, async () => {
        const order = await placeOrder(db, { eventId, opened })
        const stranger = { ...order, sessionId: `cs_other_${randomUUID()}`, paymentId: `pi_${randomUUID()}` }
        const metadata = (change as { metadata?: unknown }).metadata
        const names = {
          order: { order_id: order.orderId },
          'attempt 7': { order_id: order.orderId, attempt: '7' },
          another: { order_id: randomUUID(), attempt: '1' },
        }[String(metadata)]
        const sent = event(stranger, { ...change, ...(names === undefined ? {} : { metadata: names }) })
        for (let times = 0; times < 2; times++) {
          const answer = await receive(db.client, {
            ...sent,
            id: times === 0 ? sent['id'] : `evt_${randomUUID()}`,
          })
          assert.deepEqual(
            [answer.success, answer.outcome, answer.order_id ?? null],
            [true, 'UNMATCHED', null],
          )
        }
        assert.deepEqual(await inbox(sent['id']), { outcome: 'UNMATCHED', order: null, kept: true })
        assert.deepEqual(await standOf(db, order), {
          order: 'pending',
          tickets: {},
          payments: {},
          refunds: {},
        })
        assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 2 })
        assert.deepEqual(
          await db.rows('select status, amount_cents::int as cents from ticketing.payments where id = $1', [
            stranger.paymentId,
          ]),
          how.startsWith('paid') ? [{ status: 'unmatched', cents: 4140 }] : [],
        )
        assert.equal((await receive(db.client, completed(order))).outcome, 'ISSUED')
      })

  it('paid for a free order: nothing is sent back, the tickets stay', async () => {
    const tierId = await addTier(db, eventId)
    const [ticket] = await buyTickets(db, eventId, tierId, 2)
    const orderId = await db.value<string>('select order_id from tickets where id = $1', [ticket])
    const stranger: PlacedOrder = {
      orderId,
      eventId,
      tierId,
      totalCents: 4999,
      currency: 'EUR',
      sessionId: `cs_${randomUUID()}`,
      paymentId: `pi_${randomUUID()}`,
    }
    assert.equal((await receive(db.client, completed(stranger))).outcome, 'UNMATCHED')
    assert.deepEqual(await standOf(db, stranger), {
      order: 'paid',
      tickets: { valid: 2 },
      payments: {},
      refunds: {},
    })
    const refund = eventOf('refund.created', refundOf(stranger))
    assert.equal((await receive(db.client, refund)).outcome, 'UNMATCHED')
  })

  it('of another account, whatever it names: UNMATCHED', async () => {
    const order = await placeOrder(db, { eventId })
    for (const event of [completed(order), expired(order)])
      assert.equal((await receive(db.client, { ...event, account: 'acct_other' })).outcome, 'UNMATCHED')
    assert.equal((await standOf(db, order))['order'], 'pending')
  })
})

describe('a refund that names ours, and is another', () => {
  const names = (refund: { refund_id?: string }) => ({ metadata: { refund_id: refund.refund_id } })

  it('of a payment that is not ours: UNMATCHED', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await requestRefund(db.client, order.orderId)
    const foreign = refundOf({ ...order, paymentId: 'pi_foreign' }, names(refund))
    assert.equal((await receive(db.client, eventOf('refund.created', foreign))).outcome, 'UNMATCHED')
    assert.deepEqual((await standOf(db, order))['refunds'], { 'queued staff': 4140 })
  })

  it('of another order of ours: it is that order’s, from the dashboard', async () => {
    const [order, other] = [await paidOrder(db, { eventId }), await paidOrder(db, { eventId })]
    const refund = await requestRefund(db.client, order.orderId)
    const foreign = refundOf(other, { amount: 1000, ...names(refund) })
    assert.equal((await receive(db.client, eventOf('refund.created', foreign))).outcome, 'REFUNDED')
    assert.deepEqual((await standOf(db, order))['refunds'], { 'queued staff': 4140 })
    assert.deepEqual((await standOf(db, other))['refunds'], { 'succeeded dashboard': 1000 })
  })

  it('of another amount, and a second one with the same name: from the dashboard, ours goes on', async () => {
    const order = await paidOrder(db, { eventId, quantity: 4 })
    const refund = await requestRefund(db.client, order.orderId, order.tickets.slice(3))
    await settleRefund(db.client, refundOf(order, { amount: 500, ...names(refund) }))
    assert.deepEqual((await standOf(db, order))['refunds'], {
      'queued staff': 2070,
      'succeeded dashboard': 500,
    })
    await settleRefund(db.client, ourRefund(order, refund))
    await settleRefund(db.client, ourRefund(order, refund, { amount: 2070 }))
    assert.deepEqual((await standOf(db, order))['refunds'], {
      'succeeded staff': 2070,
      'succeeded dashboard': 2570,
    })
  })
})

describe('an event that can never be processed', () => {
  const huge = 'x'.repeat(5000)
  const poison: readonly [string, (order: PlacedOrder) => object][] = [
    ['a negative amount', (order) => completed(order, { amount_total: -1 })],
    ['half a cent', (order) => completed(order, { amount_total: 4139.5 })],
    ['an absurd number', (order) => completed(order, { amount_total: 1e30 })],
    ['an amount in words', (order) => completed(order, { amount_total: 'much' })],
    ['a livemode that is none', (order) => completed(order, { livemode: 'maybe' })],
    ['a payment id without end', (order) => completed(order, { payment_intent: huge })],
    ['a session without id', (order) => completed(order, { id: null })],
    [
      'a dispute of less than nothing',
      (order) =>
        eventOf('charge.dispute.created', {
          id: 'dp_x',
          payment_intent: order.paymentId,
          amount: -5,
          status: 'lost',
        }),
    ],
    ['a refund of less than nothing', (order) => eventOf('refund.created', refundOf(order, { amount: -5 }))],
    [
      'a refund of more than there is',
      (order) => eventOf('refund.created', refundOf(order, { amount: 1e12 })),
    ],
    ['a refund whose id has no end', (order) => eventOf('refund.created', refundOf(order, { id: huge }))],
    [
      'a payment expanded, larger than a page',
      (order) =>
        eventOf('refund.created', {
          id: 're_x',
          amount: 1,
          payment_intent: {
            id: `pi_other_${order.orderId}`,
            of: Array.from({ length: 900 }, () => randomUUID()),
          },
        }),
    ],
  ]
  for (const [what, event] of poison)
    it(`${what}: kept whole, UNMATCHED, and nothing moves`, async () => {
      const paid = what.includes('refund') || what.includes('dispute')
      const order = paid ? await paidOrder(db, { eventId }) : await placeOrder(db, { eventId })
      const before = await standOf(db, order)
      const sent = { ...event(order), id: `evt_${randomUUID()}` }
      assert.equal((await receive(db.client, sent)).outcome, 'UNMATCHED')
      assert.deepEqual(await inbox(sent.id), { outcome: 'UNMATCHED', order: null, kept: true })
      assert.deepEqual(await standOf(db, order), before)
    })

  it('what can be read has its effect: a page’s address without end, a charge without amount', async () => {
    const order = await placeOrder(db, { eventId })
    assert.equal((await receive(db.client, completed(order, { url: `https://${huge}` }))).outcome, 'ISSUED')
    const charge = { id: 'ch_1', payment_intent: order.paymentId, amount_refunded: -3 }
    assert.equal((await receive(db.client, eventOf('charge.refunded', charge))).outcome, 'ASKED')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, tickets: -4000, fees: -140 })
  })
})
