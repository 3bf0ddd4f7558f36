import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { SERVICE, valueAs } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  completed,
  countsOf,
  eventOf,
  expired,
  lapse,
  type PlacedOrder,
  placeOrder,
  receive,
  sessionOf,
  standOf,
} from '../support/money.ts'

const { db, eventId } = await openOfficeWithFees()

const place = (options: Partial<Parameters<typeof placeOrder>[1]> = {}) =>
  placeOrder(db, { eventId, ...options })
const sessionRow = (order: PlacedOrder) =>
  db.value(
    `select jsonb_build_object('status', status, 'id', session_id, 'asks', ask_at is not null)
     from ticketing.checkout_sessions where order_id = $1`,
    [order.orderId],
  )

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
