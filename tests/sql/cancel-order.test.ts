import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { ANON, assertLawful, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  completed,
  countsOf,
  expired,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
} from '../support/money.ts'

const { db, eventId } = await openOfficeWithFees()

interface Cancelled {
  readonly success: boolean
  readonly error?: string
  readonly status?: string
  readonly released?: number
  readonly payment?: { readonly state: string } | null
}

const secretOf = (order: PlacedOrder) =>
  db.value<string>('select secret from orders where id = $1', [order.orderId])
const cancel = async (order: PlacedOrder, caller = ANON as Parameters<typeof valueAs>[1]) =>
  valueAs<Cancelled>(db.client, caller, 'select ticketing.cancel_order($1, $2)', [
    order.orderId,
    caller === ANON ? await secretOf(order) : null,
  ])
const onlyTwo = async () => ({ eventId, tierId: await addTier(db, eventId, { priceCents: 2000, total: 2 }) })

describe('cancel_order', () => {
  it('keeps the holds until the provider says that nobody can pay any more', async () => {
    const order = await placeOrder(db, await onlyTwo())
    const { status, payment } = await cancel(order)
    assert.deepEqual([status, payment?.state], ['pending', 'open'])
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 2 })
    assert.equal((await receive(db.client, expired(order))).outcome, 'EXPIRED')
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 0 })
    assert.deepEqual(await cancel(order), {
      success: true,
      status: 'expired',
      order_id: order.orderId,
      released: 0,
      payment: null,
    })
  })

  it('is for what was not paid: an order whose tickets were all voided is paid, and its checkout complete', async () => {
    const order = await paidOrder(db, { eventId })
    await db.value(`select ticketing.void_tickets($1, null, 'fraud', false)`, [order.orderId])
    assert.equal(await db.value('select status from orders where id = $1', [order.orderId]), 'cancelled')
    assert.equal((await cancel(order)).error, 'ORDER_PAID')
    const told = await db.value<{ status: string }>('select ticketing.checkout_session_status($1)', [
      order.sessionId,
    ])
    assert.equal(told.status, 'complete')
  })

  it('is finished by the job where its caller never comes back', async () => {
    const order = await placeOrder(db, await onlyTwo())
    await cancel(order)
    await db.rows(`update ticketing.checkout_sessions set ask_at = now() where order_id = $1`, [
      order.orderId,
    ])
    const due = await valueAs<{ order_id: string; action: string }[]>(
      db.client,
      SERVICE,
      'select ticketing.due_sessions(100)',
    )
    assert.equal(due.find(({ order_id }) => order_id === order.orderId)?.action, 'expire')
  })

  it('issues the tickets of a payment that arrives nevertheless, where there is room', async () => {
    const order = await placeOrder(db, await onlyTwo())
    await cancel(order)
    assert.equal((await receive(db.client, completed(order))).outcome, 'ISSUED')
    assert.equal((await cancel(order)).error, 'ORDER_PAID')
  })

  it('returns it where they were sold to somebody else', async () => {
    const order = await placeOrder(db, await onlyTwo())
    await cancel(order)
    await receive(db.client, expired(order))
    await placeOrder(db, { eventId, tierId: order.tierId, email: 'grace@example.org' })
    const { outcome, reason } = await receive(db.client, completed(order))
    assert.deepEqual([outcome, reason], ['RETURNED', 'TOO_LATE'])
  })

  it('gives the holds back at once where the provider refused the session', async () => {
    const order = await placeOrder(db, { ...(await onlyTwo()), opened: false })
    await db.rows(`update ticketing.checkout_sessions set status = 'refused' where order_id = $1`, [
      order.orderId,
    ])
    const { status, released } = await cancel(order)
    assert.deepEqual([status, released], ['expired', 2])
  })

  it('knows who may: the service, the buyer, whoever has the secret; for others there is no such order', async () => {
    const buyer = randomUUID()
    const order = await placeOrder(db, await onlyTwo())
    await db.rows('update orders set user_id = $2 where id = $1', [order.orderId, buyer])
    assert.equal((await cancel(order, signedIn(randomUUID()))).error, 'ORDER_NOT_FOUND')
    const anonymous = await valueAs<Cancelled>(db.client, ANON, 'select ticketing.cancel_order($1)', [
      order.orderId,
    ])
    assert.equal(anonymous.error, 'ORDER_NOT_FOUND')
    for (const caller of [SERVICE, signedIn(buyer), ANON]) assert.ok((await cancel(order, caller)).success)
    const nobodys = { ...order, orderId: randomUUID() }
    assert.equal((await cancel(nobodys, SERVICE)).error, 'ORDER_NOT_FOUND')
  })

  it('keeps every law', () => assertLawful(db))
})
