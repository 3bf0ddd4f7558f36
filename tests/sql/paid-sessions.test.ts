import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  booksOf,
  completed,
  countsOf,
  eventOf,
  expired,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
  sessionOf,
  settle,
  standOf,
} from '../support/money.ts'

const { db, eventId } = await openOfficeWithFees()

const place = (options: Partial<Parameters<typeof placeOrder>[1]> = {}) =>
  placeOrder(db, { eventId, ...options })
const inbox = (id: unknown) =>
  db.value(
    `select jsonb_build_object('outcome', outcome, 'order', order_id, 'kept', payload is not null) from webhook_events where id = $1`,
    [id],
  )
const sessionRow = (order: PlacedOrder) =>
  db.value(
    `select jsonb_build_object('status', status, 'id', session_id, 'asks', ask_at is not null)
     from ticketing.checkout_sessions where order_id = $1`,
    [order.orderId],
  )

describe('a paid session', () => {
  it('issues its tickets, and the books say where each cent is', async () => {
    const order = await place()
    const event = completed(order)
    assert.deepEqual(await receive(db.client, event), {
      success: true,
      received: true,
      event_type: 'checkout.session.completed',
      duplicate: false,
      outcome: 'ISSUED',
      order_id: order.orderId,
    })
    assert.deepEqual(await standOf(db, order), {
      order: 'paid',
      tickets: { valid: 2 },
      payments: { kept: 1 },
      refunds: {},
    })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, tickets: -4000, fees: -140 })
    assert.deepEqual(await inbox(event['id']), { outcome: 'ISSUED', order: order.orderId, kept: false })
    assert.deepEqual(await sessionRow(order), { status: 'complete', id: order.sessionId, asks: false })
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 2, held: 0 })
  })

  it('has its effect once: the same event again is a duplicate, another event about it changes nothing', async () => {
    const order = await place()
    const event = completed(order)
    await receive(db.client, event)
    const again = await receive(db.client, { ...event, type: 'checkout.session.expired' })
    assert.deepEqual([again.duplicate, again.outcome, again.order_id], [true, 'ISSUED', order.orderId])
    for (const other of [
      completed(order),
      eventOf('checkout.session.async_payment_succeeded', sessionOf(order)),
      expired(order),
    ])
      assert.match(String((await receive(db.client, other)).outcome), /^(ALREADY_ISSUED|NO_CHANGE)$/)
    assert.equal((await settle(db.client, sessionOf(order))).outcome, 'ALREADY_ISSUED')
    assert.deepEqual(await standOf(db, order), {
      order: 'paid',
      tickets: { valid: 2 },
      payments: { kept: 1 },
      refunds: {},
    })
  })

  it('needs no more than a session of ours and that it is paid; what an event leaves out contradicts nothing', async () => {
    const order = await place({ opened: false })
    const event = eventOf('checkout.session.completed', {
      id: 'any text',
      payment_status: 'paid',
      metadata: { order_id: order.orderId, attempt: '1' },
    })
    delete event['livemode']
    assert.equal((await receive(db.client, event)).outcome, 'ISSUED')
    assert.equal(
      await db.value('select id from ticketing.payments where order_id = $1', [order.orderId]),
      'any text',
    )
  })

  it('is issued before the session was stored, and an expanded payment is the same payment', async () => {
    const order = await place({ opened: false })
    const expanded = completed(order, { payment_intent: { id: order.paymentId, object: 'payment_intent' } })
    assert.equal((await receive(db.client, expanded)).outcome, 'ISSUED')
    assert.deepEqual(await sessionRow(order), { status: 'complete', id: order.sessionId, asks: false })
    assert.equal((await receive(db.client, completed(order))).outcome, 'ALREADY_ISSUED')
  })

  it('tells who the guest is who told us nothing, and changes nobody else', async () => {
    const who = (order: PlacedOrder) =>
      db.value('select array[customer_email, customer_name] from orders where id = $1', [order.orderId])
    const silent = await place({ email: null })
    await receive(db.client, completed(silent))
    assert.deepEqual(await who(silent), ['grace@example.org', 'Grace'])
    const known = await place()
    await receive(db.client, completed(known))
    assert.deepEqual(await who(known), ['ada@example.org', 'Ada Buyer'])
  })
})

describe('a payment that is not kept', () => {
  const wrong: readonly [string, object, object][] = [
    ['less', { amount_total: 4139 }, {}],
    ['more', { amount_total: 4141 }, {}],
    ['another currency', { currency: 'usd' }, {}],
    ['another mode', { mode: 'subscription' }, {}],
    ['live money for a test order', { livemode: true }, { livemode: true }],
    ['nothing at all', { amount_total: 0, payment_status: 'no_payment_required', payment_intent: null }, {}],
  ]
  for (const [what, change, envelope] of wrong) {
    it(`AMOUNT_MISMATCH: ${what} goes back whole, the order ends, its places are free`, async () => {
      const order = await place()
      const event = { ...completed(order, change), ...envelope }
      const answer = await receive(db.client, event)
      assert.deepEqual([answer.outcome, answer.reason], ['RETURNED', 'AMOUNT_MISMATCH'])
      const amount = Number((change as { amount_total?: number }).amount_total ?? 4140)
      assert.deepEqual(await standOf(db, order), {
        order: 'expired',
        tickets: {},
        payments: { 'returned AMOUNT_MISMATCH': 1 },
        refunds: amount === 0 ? {} : { 'queued AMOUNT_MISMATCH': amount },
      })
      assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 0 })
      assert.deepEqual(await booksOf(db, order), amount === 0 ? {} : { captured: amount, pending: -amount })
      assert.deepEqual(
        (await receive(db.client, { ...completed(order, change), ...envelope })).reason,
        'AMOUNT_MISMATCH',
      )
    })
  }

  it('SECOND_PAYMENT: the first one is kept, the second goes back once', async () => {
    const order = await paidOrder(db, { eventId })
    const second = { payment_intent: `pi_second_${order.orderId}` }
    for (let i = 0; i < 2; i++) {
      const answer = await receive(db.client, completed(order, second))
      assert.deepEqual([answer.outcome, answer.reason], ['RETURNED', 'SECOND_PAYMENT'])
    }
    assert.deepEqual(await standOf(db, order), {
      order: 'paid',
      tickets: { valid: 2 },
      payments: { kept: 1, 'returned SECOND_PAYMENT': 1 },
      refunds: { 'queued SECOND_PAYMENT': 4140 },
    })
    assert.deepEqual(await booksOf(db, order), {
      captured: 8280,
      tickets: -4000,
      fees: -140,
      pending: -4140,
    })
  })

  it('EVENT_CANCELLED: the event, or the order', async () => {
    const [event, cancelled] = [await place(), await place()]
    await db.rows(`update orders set status = 'cancelled' where id = $1`, [cancelled.orderId])
    assert.equal((await receive(db.client, completed(cancelled))).reason, 'EVENT_CANCELLED')
    await db.rows(`update events set status = 'cancelled' where id = $1`, [eventId])
    assert.equal((await receive(db.client, completed(event))).reason, 'EVENT_CANCELLED')
    await db.rows(`update events set status = 'published' where id = $1`, [eventId])
  })

  it("UNMATCHED: another account's event, whatever it names", async () => {
    const order = await place()
    const event = { ...completed(order), account: 'acct_other' }
    assert.equal((await receive(db.client, event)).outcome, 'UNMATCHED')
    const refund = { ...eventOf('refund.created', { id: 're_x' }), account: 'acct_other' }
    assert.equal((await receive(db.client, refund)).outcome, 'UNMATCHED')
    assert.equal((await standOf(db, order))['order'], 'pending')
  })
})

describe('a session that ends', () => {
  it('EXPIRED: its holds are given back, once', async () => {
    const order = await place()
    assert.equal((await receive(db.client, expired(order))).outcome, 'EXPIRED')
    assert.equal((await receive(db.client, expired(order))).outcome, 'NO_CHANGE')
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 0 })
    assert.equal((await standOf(db, order))['order'], 'expired')
    assert.deepEqual(await sessionRow(order), { status: 'expired', id: order.sessionId, asks: false })
  })

  it('is nothing where a later try is open, and where it is no session of the order', async () => {
    const order = await place()
    await db.rows(
      `insert into ticketing.checkout_sessions (order_id, attempt, event_id, business_id, parameters, session_id, status,
         expires_at, hold_extension, extend_below, delayed_payment_lifetime)
       select order_id, 2, event_id, business_id, parameters, $2, 'open', expires_at, hold_extension, extend_below, delayed_payment_lifetime
       from ticketing.checkout_sessions where order_id = $1`,
      [order.orderId, `${order.sessionId}_2`],
    )
    assert.equal((await receive(db.client, expired(order))).outcome, 'NO_CHANGE')
    const stranger = expired({ ...order, sessionId: 'cs_other' })
    assert.equal((await receive(db.client, stranger)).outcome, 'UNMATCHED')
    assert.equal((await standOf(db, order))['order'], 'pending')
    assert.equal(
      (await receive(db.client, expired({ ...order, sessionId: `${order.sessionId}_2` }))).outcome,
      'EXPIRED',
    )
  })

  it('an open one changes nothing but that it is known', async () => {
    const order = await place({ opened: false })
    const open = sessionOf(order, { status: 'open', payment_status: 'unpaid' })
    assert.equal((await settle(db.client, open)).outcome, 'NO_CHANGE')
    assert.deepEqual(await sessionRow(order), { status: 'open', id: order.sessionId, asks: true })
  })

  it('a payment wins over an end, whichever comes first', async () => {
    const [before, behind] = [await place(), await place()]
    await receive(db.client, expired(before))
    assert.equal((await receive(db.client, completed(before))).outcome, 'ISSUED')
    await receive(db.client, completed(behind))
    assert.equal((await receive(db.client, expired(behind))).outcome, 'NO_CHANGE')
    for (const order of [before, behind]) {
      assert.equal((await standOf(db, order))['order'], 'paid')
      assert.deepEqual(await countsOf(db, order.tierId), { sold: 2, held: 0 })
    }
  })
})
