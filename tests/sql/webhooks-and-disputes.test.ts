import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { ANON, assertLawful, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  booksOf,
  countsOf,
  disputeOf,
  eventOf,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
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
  const dispute = (order: PlacedOrder, status: string, change: object = {}) =>
    receive(db.client, disputeOf(order, status, change))
  const paid = { captured: 4140, tickets: -4000, fees: -140 }

  it('takes its amount out of the sales, and back when it is won; the tickets stay', async () => {
    const order = await paidOrder(db, { eventId })
    assert.equal((await dispute(order, 'needs_response')).outcome, 'DISPUTED')
    assert.equal((await dispute(order, 'needs_response')).outcome, 'NO_CHANGE')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, disputed: -4140 })
    await assertLawful(db)
    assert.equal((await dispute(order, 'won')).outcome, 'DISPUTE_WON')
    assert.equal((await dispute(order, 'won')).outcome, 'NO_CHANGE')
    assert.deepEqual(await booksOf(db, order), paid)
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 2 })
  })

  it('one that is lost stays away, also when it is told of first when it is over', async () => {
    const order = await paidOrder(db, { eventId })
    assert.equal((await dispute(order, 'lost', { amount: 1000 })).outcome, 'DISPUTE_LOST')
    assert.equal((await dispute(order, 'needs_response', { amount: 1000 })).outcome, 'NO_CHANGE')
    assert.deepEqual(await booksOf(db, order), { ...paid, tickets: -3000, disputed: -1000 })
  })

  it('an inquiry takes nothing, and one about no payment of ours is unmatched', async () => {
    const order = await paidOrder(db, { eventId })
    assert.equal((await dispute(order, 'warning_needs_response')).outcome, 'NO_CHANGE')
    assert.equal((await dispute(order, 'warning_closed')).outcome, 'DISPUTE_WON')
    assert.deepEqual(await booksOf(db, order), paid)
    assert.equal((await dispute(order, 'lost', { payment_intent: 'pi_x' })).outcome, 'UNMATCHED')
  })
})
