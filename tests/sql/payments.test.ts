import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { ANON, assertLawful, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import {
  booksOf,
  completed,
  countsOf,
  eventOf,
  expired,
  lapse,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
  sessionOf,
  settle,
  standOf,
} from '../support/money.ts'

const db = await testDatabase()
const { eventId } = await openBoxOffice(db)
// 20.00 costs a fee of 0.30 + 2 % = 0.70.
await db.rows('update events set fee_fixed_cents = 30, fee_basis_points = 200 where id = $1', [eventId])

afterEach(() => assertLawful(db))

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

  it('needs no more than an order and that it is paid; what an event leaves out contradicts nothing', async () => {
    const order = await place()
    const event = eventOf('checkout.session.completed', {
      id: 'any text',
      payment_status: 'paid',
      metadata: { order_id: order.orderId },
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
    it(`AMOUNT_MISMATCH: ${what} goes back whole, and the order still waits`, async () => {
      const order = await place()
      const event = { ...completed(order, change), ...envelope }
      const answer = await receive(db.client, event)
      assert.deepEqual([answer.outcome, answer.reason], ['RETURNED', 'AMOUNT_MISMATCH'])
      const amount = Number((change as { amount_total?: number }).amount_total ?? 4140)
      assert.deepEqual(await standOf(db, order), {
        order: 'pending',
        tickets: {},
        payments: { 'returned AMOUNT_MISMATCH': 1 },
        refunds: amount === 0 ? {} : { 'queued AMOUNT_MISMATCH': amount },
      })
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

  for (const [what, change] of [
    ['no order', { client_reference_id: null, metadata: {} }],
    ['what is no order id', { client_reference_id: 'cart 7', metadata: { order_id: 'x' } }],
    ['an order of somebody else', { client_reference_id: randomUUID(), metadata: {} }],
  ] as const) {
    it(`UNMATCHED: ${what}; the money is kept in sight`, async () => {
      const order = await place()
      const event = completed(order, change)
      const answer = await receive(db.client, event)
      assert.deepEqual([answer.success, answer.outcome, answer.order_id], [true, 'UNMATCHED', null])
      assert.deepEqual(await inbox(event['id']), { outcome: 'UNMATCHED', order: null, kept: true })
      assert.equal((await receive(db.client, completed(order, change))).outcome, 'UNMATCHED')
      assert.deepEqual(
        await db.rows('select status, amount_cents::int, currency from ticketing.payments where id = $1', [
          order.paymentId,
        ]),
        [{ status: 'unmatched', amount_cents: 4140, currency: 'EUR' }],
      )
      assert.equal((await standOf(db, order))['order'], 'pending')
    })
  }

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
      `insert into ticketing.checkout_sessions (order_id, attempt, parameters, session_id, status, expires_at)
       select order_id, 2, parameters, $2, 'open', expires_at from ticketing.checkout_sessions where order_id = $1`,
      [order.orderId, `${order.sessionId}_2`],
    )
    assert.equal((await receive(db.client, expired(order))).outcome, 'NO_CHANGE')
    const stranger = expired({ ...order, sessionId: 'cs_other' })
    assert.equal((await receive(db.client, stranger)).outcome, 'NO_CHANGE')
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

describe('a delayed method', () => {
  const unpaid = { payment_status: 'unpaid' }
  const failed = (order: PlacedOrder) =>
    eventOf('checkout.session.async_payment_failed', sessionOf(order, unpaid))
  const days = (order: PlacedOrder) =>
    db.value<number[]>(
      `select array[extract(epoch from o.expires_at - o.created_at) / 86400, extract(epoch from h.expires_at - o.created_at) / 86400]::int[]
       from orders o join ticket_holds h on h.order_id = o.id where o.id = $1`,
      [order.orderId],
    )

  it('AWAITING_PAYMENT: order and holds wait seven days, and the provider is asked now and then', async () => {
    const order = await place()
    for (let i = 0; i < 2; i++)
      assert.equal((await receive(db.client, completed(order, unpaid))).outcome, 'AWAITING_PAYMENT')
    assert.deepEqual(await days(order), [7, 7])
    assert.deepEqual(await sessionRow(order), { status: 'complete', id: order.sessionId, asks: true })
    const paid = eventOf('checkout.session.async_payment_succeeded', sessionOf(order))
    assert.equal((await receive(db.client, paid)).outcome, 'ISSUED')
    assert.equal((await receive(db.client, failed(order))).outcome, 'NO_CHANGE')
  })

  it('one that fails gives the holds back, also when the news come the wrong way round', async () => {
    const order = await place()
    assert.equal((await receive(db.client, failed(order))).outcome, 'EXPIRED')
    assert.equal((await receive(db.client, completed(order, unpaid))).outcome, 'NO_CHANGE')
    assert.equal((await receive(db.client, failed(order))).outcome, 'NO_CHANGE')
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 0 })
    assert.equal((await standOf(db, order))['order'], 'expired')
  })

  it('one that says nothing of being paid issues nothing', async () => {
    const order = await place()
    const { payment_status: _, ...silent } = sessionOf(order)
    assert.equal(
      (await receive(db.client, eventOf('checkout.session.completed', silent))).outcome,
      'NO_CHANGE',
    )
    assert.equal((await standOf(db, order))['order'], 'pending')
  })
})

describe('a late payment', () => {
  const rival = (order: PlacedOrder, quantity: number) =>
    valueAs<{ success: boolean }>(db.client, SERVICE, 'select reserve_tickets_atomically($1, $2)', [
      order.tierId,
      quantity,
    ])

  it('is rescued while there is room, after the sale and past all limits', async () => {
    const order = await place({ quantity: 10 })
    await receive(db.client, expired(order))
    await db.rows(`update ticket_tiers set max_per_order = 1, status = 'closed' where id = $1`, [
      order.tierId,
    ])
    assert.equal((await receive(db.client, completed(order))).outcome, 'ISSUED')
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 10, held: 0 })
  })

  it('TOO_LATE: all or nothing, where others have one of its tickets', async () => {
    const order = await place({ quantity: 10 })
    await receive(db.client, expired(order))
    assert.equal((await rival(order, 1)).success, true)
    const answer = await receive(db.client, completed(order))
    assert.deepEqual([answer.outcome, answer.reason], ['RETURNED', 'TOO_LATE'])
    assert.equal((await receive(db.client, completed(order))).reason, 'TOO_LATE')
    assert.deepEqual(await standOf(db, order), {
      order: 'expired',
      tickets: {},
      payments: { 'returned TOO_LATE': 1 },
      refunds: { 'queued TOO_LATE': 20700 },
    })
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 1 })
  })

  it('has its own holds as long as nobody ended them, and those of others that are due', async () => {
    const tierId = await addTier(db, eventId, { priceCents: 2000, total: 4 })
    const own = await place({ tierId })
    const due = await place({ tierId })
    await lapse(db, own)
    await lapse(db, due)
    assert.equal((await receive(db.client, completed(own))).outcome, 'ISSUED')
    assert.deepEqual(await countsOf(db, tierId), { sold: 2, held: 2 })
    assert.equal((await rival(own, 2)).success, true)
    const late = await receive(db.client, completed(due))
    assert.equal(late.reason, 'TOO_LATE')
  })

  it('a tier that was made smaller meanwhile has no room: the payment goes back', async () => {
    const order = await place()
    await receive(db.client, expired(order))
    await db.rows('update ticket_tiers set total_quantity = 1 where id = $1', [order.tierId])
    assert.equal((await receive(db.client, completed(order))).reason, 'TOO_LATE')
  })
})

describe('receive_webhook', () => {
  for (const [what, event] of [
    ['nothing', null],
    ['no id', { type: 'x', data: { object: {} } }],
    ['an empty id', { id: '', type: 'x', data: { object: {} } }],
    ['an id that is too long', { id: 'x'.repeat(256), type: 'x', data: { object: {} } }],
    ['no type', { id: 'evt_1', data: { object: {} } }],
    ['no object', { id: 'evt_1', type: 'x', data: {} }],
    ['a list', [1]],
  ] as const) {
    it(`answers INVALID_REQUEST to ${what}, and keeps nothing`, async () => {
      const before = await db.value('select count(*) from webhook_events')
      const answer = await valueAs<{ error?: string }>(
        db.client,
        SERVICE,
        'select ticketing.receive_webhook($1)',
        [JSON.stringify(event)],
      )
      assert.equal(answer.error, 'INVALID_REQUEST')
      assert.equal(await db.value('select count(*) from webhook_events'), before)
    })
  }

  it('ignores what has no effect here, and remembers that it did', async () => {
    const event = eventOf('customer.created', { id: 'cus_1' })
    assert.equal((await receive(db.client, event)).outcome, 'IGNORED')
    assert.deepEqual(await inbox(event['id']), { outcome: 'IGNORED', order: null, kept: false })
    assert.equal((await receive(db.client, event)).duplicate, true)
  })

  it('a card that was refused releases nothing: the buyer may try again', async () => {
    const order = await place()
    const event = eventOf('payment_intent.payment_failed', {
      id: order.paymentId,
      metadata: { order_id: order.orderId },
    })
    const answer = await receive(db.client, event)
    assert.deepEqual([answer.outcome, answer.order_id], ['NO_CHANGE', order.orderId])
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 2 })
  })

  for (const caller of [ANON, signedIn(randomUUID())])
    for (const verb of ['receive_webhook', 'settle_session', 'settle_refund'])
      it(`${verb} is not for ${caller.role}`, async () => {
        const call = valueAs(db.client, caller, `select ticketing.${verb}('{}')`)
        assert.deepEqual(await refusalOf(call), { code: '42501' })
      })
})

describe('a dispute', () => {
  const dispute = (order: PlacedOrder, type: string, status: string, change: object = {}) =>
    receive(
      db.client,
      eventOf(`charge.dispute.${type}`, {
        id: `dp_${order.orderId}`,
        amount: 4140,
        currency: 'eur',
        payment_intent: order.paymentId,
        status,
        ...change,
      }),
    )
  const paid = { captured: 4140, tickets: -4000, fees: -140 }

  it('takes its amount out of the sales, and back when it is won; the tickets stay', async () => {
    const order = await paidOrder(db, { eventId })
    assert.equal((await dispute(order, 'created', 'needs_response')).outcome, 'DISPUTED')
    assert.equal((await dispute(order, 'created', 'needs_response')).outcome, 'NO_CHANGE')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, disputed: -4140 })
    await assertLawful(db)
    assert.equal((await dispute(order, 'closed', 'won')).outcome, 'DISPUTE_WON')
    assert.equal((await dispute(order, 'closed', 'won')).outcome, 'NO_CHANGE')
    assert.deepEqual(await booksOf(db, order), paid)
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 2 })
  })

  it('one that is lost stays away, also when it is told of first when it is over', async () => {
    const order = await paidOrder(db, { eventId })
    assert.equal((await dispute(order, 'closed', 'lost', { amount: 1000 })).outcome, 'DISPUTE_LOST')
    assert.equal((await dispute(order, 'created', 'needs_response', { amount: 1000 })).outcome, 'NO_CHANGE')
    assert.deepEqual(await booksOf(db, order), { ...paid, tickets: -3000, disputed: -1000 })
  })

  it('an inquiry takes nothing, and one about no payment of ours is unmatched', async () => {
    const order = await paidOrder(db, { eventId })
    assert.equal((await dispute(order, 'created', 'warning_needs_response')).outcome, 'NO_CHANGE')
    assert.equal((await dispute(order, 'closed', 'warning_closed')).outcome, 'DISPUTE_WON')
    assert.deepEqual(await booksOf(db, order), paid)
    assert.equal((await dispute(order, 'created', 'lost', { payment_intent: 'pi_x' })).outcome, 'UNMATCHED')
  })
})
