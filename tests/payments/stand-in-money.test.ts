import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stripe } from 'stripe'
import { cart, openScene, paidSession, refuses, type Scene } from './stand-in-support.ts'

const HOUR = 3_600

test('a refund in parts ends where the payment ends', async () => {
  await using scene = await openScene()
  const { payment } = await paidSession(scene)
  const { refunds } = scene.stripe
  const part = await refunds.create({
    payment_intent: payment,
    amount: 1999,
    reason: 'requested_by_customer',
    metadata: { refund_id: 'r-1' },
  })
  assert.equal(part.status, 'succeeded')
  assert.deepEqual(part.metadata, { refund_id: 'r-1' })
  await refuses(() => refunds.create({ payment_intent: payment, amount: 3002 }), {
    param: 'amount',
    message: /^Refund amount \(€30\.02\) is greater than unrefunded amount on charge \(€30\.01\)$/,
  })
  await refuses(() => refunds.create({ payment_intent: payment, amount: 0 }), { param: 'amount' })
  await refuses(() => refunds.create({ amount: 1 }), { code: 'parameter_missing' })
  const rest = await refunds.create({ charge: payment.replace('pi_', 'ch_') })
  assert.equal(rest.amount, 3001)
  await refuses(() => refunds.create({ payment_intent: payment, amount: 1 }), {
    code: 'charge_already_refunded',
  })
  const { data } = await refunds.list({ payment_intent: payment })
  assert.deepEqual(
    data.map(({ id }) => id),
    [rest.id, part.id],
  )
  assert.equal(
    (await refunds.list({ payment_intent: payment, limit: 1, starting_after: rest.id })).data[0]?.id,
    part.id,
  )
  assert.equal((await chargeOf(scene, payment)).refunded, true)
  assert.deepEqual(await booked(scene, payment), [5000, 5000, 0])
})

test('what was not paid is not refunded', async () => {
  await using scene = await openScene()
  const session = await scene.stripe.checkout.sessions.create(cart())
  await scene.pay(session, { card: '4000000000000002' })
  const { payment_intent } = await scene.stripe.checkout.sessions.retrieve(session.id)
  const refund = { payment_intent: String(payment_intent) }
  await refuses(() => scene.stripe.refunds.create(refund), { message: /does not have a successful charge/ })
  assert.deepEqual((await scene.control('ledger'))['payments'], [])
})

test('a refund that fails later gives the money back to the merchant', async () => {
  await using scene = await openScene()
  const { payment } = await paidSession(scene)
  const refund = await scene.stripe.refunds.create({ payment_intent: payment })
  const failed = await scene.control(`refunds/${refund.id}/fail`, {})
  assert.equal(failed['status'], 'failed')
  assert.equal((await chargeOf(scene, payment)).amount_refunded, 0)
  assert.deepEqual(await booked(scene, payment), [5000, 0, 0])
  const types = await scene.delivered()
  assert.deepEqual(types.slice(2).toSorted(), [
    'charge.refunded',
    'refund.created',
    'refund.failed',
    'refund.updated',
  ])
  await assert.rejects(scene.control(`refunds/${refund.id}/fail`, {}), /status of `failed`/)
  assert.equal((await scene.stripe.refunds.create({ payment_intent: payment })).status, 'succeeded')
})

const COURSES: readonly (readonly [string, string, string, string])[] = [
  ['4000000000007726', 'pending', 'succeeded', 'a refund to this card is pending, then succeeds'],
  ['4000000000005126', 'succeeded', 'failed', 'a refund to this card succeeds, then fails'],
]

for (const [card, first, last, what] of COURSES) {
  test(what, async () => {
    await using scene = await openScene()
    const { payment } = await paidSession(scene, card)
    const refund = await scene.stripe.refunds.create({ payment_intent: payment })
    assert.equal(refund.status, first)
    await scene.control('clock', { advance_seconds: HOUR })
    assert.equal((await scene.stripe.refunds.retrieve(refund.id)).status, last)
    assert.deepEqual(await booked(scene, payment), [5000, last === 'succeeded' ? 5000 : 0, 0])
  })
}

test('the next refunds are refused, stay pending, or lose their answer, as asked for', async () => {
  await using scene = await openScene()
  const { payment } = await paidSession(scene)
  const { refunds } = scene.stripe
  for (const outcome of ['refused', 'pending', 'lost']) await scene.control('next-refund', { outcome })
  const refund = (key: string) =>
    refunds.create({ payment_intent: payment, amount: 1000 }, { idempotencyKey: key })

  await refuses(() => refund('a'), { code: 'charge_not_refundable' })
  await refuses(() => refund('a'), { code: 'charge_not_refundable' })
  const pending = await refund('b')
  assert.equal(pending.status, 'pending')
  await scene.control('clock', { advance_seconds: 30 * 24 * HOUR })
  assert.equal((await refunds.retrieve(pending.id)).status, 'pending')
  assert.equal((await scene.control(`refunds/${pending.id}/succeed`, {}))['status'], 'succeeded')
  await assert.rejects(refund('c'))
  assert.equal((await refund('c')).status, 'succeeded')
  assert.equal((await refunds.list({ payment_intent: payment })).data.length, 2)
  assert.deepEqual(await booked(scene, payment), [5000, 2000, 0])
})

test('a refund from the dashboard carries nothing of ours', async () => {
  await using scene = await openScene()
  const { payment } = await paidSession(scene)
  const refund = await scene.control('refunds', { payment_intent: payment, amount: 700 })
  assert.deepEqual(refund['metadata'], {})
  await scene.delivered()
  const charge = scene.events.find(({ type }) => type === 'charge.refunded')
  assert.deepEqual(charge?.data.previous_attributes, { amount_refunded: 0 })
  assert.deepEqual(charge?.request, { id: null, idempotency_key: null })
  assert.deepEqual(await booked(scene, payment), [5000, 700, 0])
})

test('a dispute takes what is left; won, it comes back; lost, it is gone', async () => {
  await using scene = await openScene()
  for (const won of [true, false]) {
    const { payment } = await paidSession(scene)
    await scene.stripe.refunds.create({ payment_intent: payment, amount: 1000 })
    const dispute = await scene.control('disputes', { payment_intent: payment })
    assert.deepEqual([dispute['amount'], dispute['status']], [4000, 'needs_response'])
    assert.deepEqual(await booked(scene, payment), [5000, 1000, 4000])
    await refuses(() => scene.stripe.refunds.create({ payment_intent: payment }), { code: 'charge_disputed' })
    await assert.rejects(scene.control('disputes', { payment_intent: payment }), /never disputed/)
    const closed = await scene.control(`disputes/${dispute['id']}/close`, { won })
    assert.equal(closed['status'], won ? 'won' : 'lost')
    await assert.rejects(scene.control(`disputes/${dispute['id']}/close`, { won }), /This dispute is/)
    assert.deepEqual(await booked(scene, payment), [5000, 1000, won ? 0 : 4000])
  }
  const types = await scene.delivered()
  assert.equal(types.filter((type) => type === 'charge.dispute.created').length, 2)
  assert.equal(types.filter((type) => type === 'charge.dispute.closed').length, 2)
})

test('a card for disputes is disputed at once', async () => {
  await using scene = await openScene()
  const { payment } = await paidSession(scene, '4000000000000259')
  assert.deepEqual(await booked(scene, payment), [5000, 0, 5000])
  assert.equal((await chargeOf(scene, payment)).disputed, true)
})

test('the balance is what the books leave the merchant', async () => {
  await using scene = await openScene()
  const { payment } = await paidSession(scene)
  await paidSession(scene, '4000000000000259')
  await scene.stripe.refunds.create({ payment_intent: payment, amount: 1 })
  const { available } = await scene.stripe.balance.retrieve()
  assert.deepEqual(
    available.map(({ amount, currency }) => [amount, currency]),
    [[4999, 'eur']],
  )
})

async function chargeOf(scene: Scene, payment: string): Promise<Stripe.Charge> {
  return scene.stripe.charges.retrieve(payment.replace('pi_', 'ch_'))
}

/** Amount, refunded and disputed in the witness's books, which must agree with the objects. */
async function booked(scene: Scene, payment: string): Promise<unknown> {
  const { agrees, payments } = await scene.control('ledger')
  assert.equal(agrees, true)
  assert(Array.isArray(payments))
  const found = payments.find(({ payment_intent }) => payment_intent === payment)
  return [found?.amount, found?.amount_refunded, found?.amount_disputed]
}
