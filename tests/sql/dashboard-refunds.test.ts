import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertLawful } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  booksOf,
  completed,
  eventOf,
  ourRefund,
  PAID,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
  refundOf,
  settleRefund,
  standOf,
} from '../support/money.ts'
import { moneyDesk } from '../support/money-desk.ts'

const { db, eventId, staffId } = await openOfficeWithFees()

const { request, refuse, scan, due } = moneyDesk(db, staffId)
const first = <T>(list: readonly T[]): T[] => list.slice(0, 1)

describe("a refund from the provider's dashboard", () => {
  const dashboard = (order: PlacedOrder, amount: number, change: object = {}) =>
    receive(db.client, eventOf('refund.created', refundOf(order, { amount, ...change })))

  it('a part voids no ticket; with the rest every ticket goes that was not scanned', async () => {
    const order = await paidOrder(db, { eventId })
    await scan(order.tickets[0])
    assert.equal((await dashboard(order, 1000)).outcome, 'REFUNDED')
    assert.deepEqual(await standOf(db, order), {
      order: 'partially_refunded',
      tickets: { valid: 1, used: 1 },
      payments: { kept: 1 },
      refunds: { 'succeeded dashboard': 1000 },
    })
    assert.deepEqual(await booksOf(db, order), { ...PAID, tickets: -3000, refunds: -1000 })
    await assertLawful(db)
    assert.equal((await dashboard(order, 3140)).outcome, 'REFUNDED')
    assert.deepEqual((await standOf(db, order))['tickets'], { used: 1, refunded: 1 })
    assert.equal((await standOf(db, order))['order'], 'refunded')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('a part that went before a ticket is subtracted from it: never more goes than came', async () => {
    const order = await paidOrder(db, { eventId })
    await dashboard(order, 3000)
    const one = await request(order.orderId, first(order.tickets))
    assert.equal(one.amount_cents, 1140)
    await assertLawful(db)
    await settleRefund(db.client, ourRefund(order, one))
    assert.deepEqual(await standOf(db, order), {
      order: 'refunded',
      tickets: { refunded: 2 },
      payments: { kept: 1 },
      refunds: { 'succeeded dashboard': 3000, 'succeeded staff': 1140 },
    })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('one that is pending counts as gone, and as nothing when it fails', async () => {
    const order = await paidOrder(db, { eventId })
    const told = refundOf(order, { amount: 3000, status: 'pending' })
    assert.equal((await settleRefund(db.client, told)).outcome, 'PENDING')
    assert.deepEqual(await booksOf(db, order), PAID)
    assert.equal((await request(order.orderId)).amount_cents, 1140)
    await assertLawful(db)
    assert.equal((await settleRefund(db.client, { ...told, status: 'failed' })).outcome, 'REFUND_FAILED')
  })

  it('all of it beside a refund of ours: ours is refused, and its tickets are not given back', async () => {
    const order = await paidOrder(db, { eventId })
    const one = await request(order.orderId, first(order.tickets))
    await dashboard(order, 4140)
    await assertLawful(db)
    assert.equal((await refuse(one.refund_id)).status, 'failed')
    assert.deepEqual((await standOf(db, order))['tickets'], { refunded: 2 })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('one that comes back leaves what was voided voided, and its money is owed', async () => {
    const order = await paidOrder(db, { eventId })
    const told = refundOf(order)
    await settleRefund(db.client, told)
    assert.equal((await settleRefund(db.client, { ...told, status: 'failed' })).outcome, 'REFUND_FAILED')
    assert.deepEqual(await standOf(db, order), {
      order: 'paid',
      tickets: { refunded: 2 },
      payments: { kept: 1 },
      refunds: { 'failed dashboard': 4140, 'queued OWED': 4140 },
    })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, pending: -4140 })
  })

  it('UNMATCHED: about no payment of ours', async () => {
    const order = await placeOrder(db, { eventId })
    const event = eventOf('refund.created', refundOf(order))
    assert.equal((await receive(db.client, event)).outcome, 'UNMATCHED')
    await receive(db.client, completed(order))
    const asked = (await due('due_payments')).map((row) => row['payment_id'])
    assert.ok(asked.includes(order.paymentId), 'the payment came after its refund: the provider is asked')
  })

  it('charge.refunded: the provider is asked for what we do not know, until we do', async () => {
    const order = await paidOrder(db, { eventId })
    const charge = (amount_refunded: number) =>
      receive(
        db.client,
        eventOf('charge.refunded', { id: 'ch_1', payment_intent: order.paymentId, amount_refunded }),
      )
    const isAsked = () =>
      db.value('select ask_at is not null from ticketing.payments where id = $1', [order.paymentId])
    assert.equal((await charge(1000)).outcome, 'ASKED')
    assert.ok((await due('due_payments')).some((row) => row['payment_id'] === order.paymentId))
    assert.ok(!(await due('due_payments')).some((row) => row['payment_id'] === order.paymentId))
    await dashboard(order, 1000)
    assert.equal(await isAsked(), false)
    assert.equal((await charge(1000)).outcome, 'NO_CHANGE')
    assert.equal((await charge(1000)).outcome, 'NO_CHANGE')
  })
})
