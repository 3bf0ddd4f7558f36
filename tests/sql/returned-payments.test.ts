import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertLawful } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  booksOf,
  completed,
  disputeOf,
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

const { refuse, due, soon } = moneyDesk(db, staffId)

describe('a payment that goes back', () => {
  const secondOf = (order: PlacedOrder) => ({ ...order, paymentId: `pi_second_${order.orderId}` })

  it('and is refused, or comes back, is sent again under another key; after ten times the law shows it', async () => {
    const order = await paidOrder(db, { eventId })
    const second = secondOf(order)
    await receive(db.client, completed(second))
    const seen = new Set<string | undefined>()
    for (let times = 0; times < 10; times++) {
      const refund = await soon(order.orderId)
      seen.add(refund.refund_id)
      await assertLawful(db)
      await refuse(refund.refund_id)
    }
    assert.equal(seen.size, 10)
    const broken = await db.rows<{ law: string; witnesses: { broken: string }[] }>(
      'select law, witnesses from ticketing.broken_laws()',
    )
    assert.deepEqual(
      broken.map(({ law, witnesses }) => [law, witnesses[0]?.broken]),
      [['paid_once_issued_once', 'money is owed back, and it is not on its way']],
    )
    // A person sends it at the provider.
    await settleRefund(db.client, refundOf(second))
  })

  it('of which a person sent a part: the rest is sent, and no more', async () => {
    const order = await paidOrder(db, { eventId })
    const second = secondOf(order)
    await receive(db.client, completed(second))
    const whole = await soon(order.orderId)
    await settleRefund(db.client, refundOf(second, { amount: 1000 }))
    await refuse(whole.refund_id)
    const rest = await soon(order.orderId)
    assert.equal(rest.amount_cents, 3140)
    await settleRefund(db.client, refundOf(second, { amount: 3140, metadata: { refund_id: rest.refund_id } }))
    assert.deepEqual(await booksOf(db, order), { captured: 8280, tickets: -4000, fees: -140, refunds: -4140 })
  })

  it('and is disputed is pending no more; won, it is sent', async () => {
    const order = await paidOrder(db, { eventId })
    const second = secondOf(order)
    await receive(db.client, completed(second))
    const sent = await soon(order.orderId)
    await receive(db.client, disputeOf(second, 'needs_response'))
    await refuse(sent.refund_id)
    await assertLawful(db)
    assert.deepEqual(await booksOf(db, order), {
      captured: 8280,
      tickets: -4000,
      fees: -140,
      disputed: -4140,
    })
    await receive(db.client, disputeOf(second, 'won'))
    await assertLawful(db)
    const again = await soon(order.orderId)
    await settleRefund(db.client, refundOf(second, { metadata: { refund_id: again.refund_id } }))
    assert.deepEqual(await booksOf(db, order), { captured: 8280, tickets: -4000, fees: -140, refunds: -4140 })
  })

  it('a dispute that is told before its payment has its effect with it', async () => {
    const order = await placeOrder(db, { eventId })
    assert.equal((await receive(db.client, disputeOf(order, 'needs_response'))).outcome, 'UNMATCHED')
    assert.equal((await receive(db.client, completed(order))).outcome, 'ISSUED')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, disputed: -4140 })
    assert.equal(
      await db.value(
        'select outcome from webhook_events where payload is null and type = $1 and order_id = $2',
        ['charge.dispute.created', order.orderId],
      ),
      'DISPUTED',
    )
  })

  it('is sent as any refund, and touches neither tickets nor status', async () => {
    const order = await paidOrder(db, { eventId })
    const second = secondOf(order)
    await receive(db.client, completed(second))
    const [refund] = (await due('due_refunds')).filter((row) => row['payment_id'] === second.paymentId)
    assert.deepEqual(
      [refund?.['action'], refund?.['key'], refund?.['amount_cents'], refund?.['reason']],
      ['send', `refund:${refund?.['refund_id']}`, 4140, 'SECOND_PAYMENT'],
    )
    const told = refundOf(second, { metadata: { refund_id: refund?.['refund_id'] } })
    assert.equal((await settleRefund(db.client, told)).outcome, 'REFUNDED')
    assert.deepEqual(await booksOf(db, order), { ...PAID, captured: 8280, refunds: -4140 })
    assert.deepEqual((await standOf(db, order))['order'], 'paid')
    assert.equal((await settleRefund(db.client, { ...told, status: 'failed' })).outcome, 'REFUND_FAILED')
    assert.deepEqual(await booksOf(db, order), { ...PAID, captured: 8280, pending: -4140 })
  })

  it('also where a person had sent it back already: ours is not sent any more, or refused', async () => {
    for (const isSent of [false, true]) {
      const order = await paidOrder(db, { eventId })
      const second = secondOf(order)
      await receive(db.client, completed(second))
      const ours = isSent ? await soon(order.orderId) : undefined
      assert.equal((await settleRefund(db.client, refundOf(second))).outcome, 'REFUNDED')
      if (ours !== undefined) assert.equal((await refuse(ours.refund_id)).status, 'failed')
      assert.equal((await due('due_refunds')).filter((row) => row['order_id'] === order.orderId).length, 0)
      assert.deepEqual(await booksOf(db, order), { ...PAID, captured: 8280, refunds: -4140 })
    }
  })
})
