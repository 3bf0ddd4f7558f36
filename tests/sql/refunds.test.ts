import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addTier, buyTickets } from '../support/box-office.ts'
import { ANON, assertLawful, refusalOf, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  booksOf,
  countsOf,
  eventOf,
  expired,
  type MoneyAnswer,
  ourRefund,
  PAID,
  paidOrder,
  placeOrder,
  receive,
  refundOf,
  settleRefund,
  standOf,
  ticketsOf,
} from '../support/money.ts'
import { moneyDesk } from '../support/money-desk.ts'

const { db, businessId, eventId, staffId } = await openOfficeWithFees()

const { request, refuse, scan, due, soon } = moneyDesk(db, staffId)
const first = <T>(list: readonly T[]): T[] => list.slice(0, 1)

describe('request_refund refuses', () => {
  it('INVALID_REQUEST: no order, an empty list, too long a reason', async () => {
    const { orderId } = await paidOrder(db, { eventId })
    assert.equal((await request(null)).error, 'INVALID_REQUEST')
    assert.equal((await request(orderId, [])).error, 'INVALID_REQUEST')
    const long = await valueAs<MoneyAnswer>(
      db.client,
      SERVICE,
      `select ticketing.request_refund($1, null, repeat('x', 501))`,
      [orderId],
    )
    assert.equal(long.error, 'INVALID_REQUEST')
  })

  it('ORDER_NOT_FOUND to strangers as for what does not exist, FORBIDDEN to the door; managers may', async () => {
    const order = await paidOrder(db, { eventId })
    const as = async (role: string | null, orderId = order.orderId) => {
      const user = randomUUID()
      if (role !== null)
        await db.rows('insert into business_staff (business_id, user_id, role) values ($1, $2, $3)', [
          businessId,
          user,
          role,
        ])
      return valueAs<MoneyAnswer>(db.client, signedIn(user), 'select ticketing.request_refund($1)', [orderId])
    }
    assert.equal((await as(null)).error, 'ORDER_NOT_FOUND')
    assert.equal((await as('owner', randomUUID())).error, 'ORDER_NOT_FOUND')
    assert.equal((await request(randomUUID())).error, 'ORDER_NOT_FOUND')
    assert.equal((await as('door')).error, 'FORBIDDEN')
    assert.equal((await as('manager')).success, true)
    assert.equal((await as('owner')).error, 'ALREADY_REFUNDED')
    const anonymous = valueAs(db.client, ANON, 'select ticketing.request_refund($1)', [order.orderId])
    assert.deepEqual(await refusalOf(anonymous), { code: '42501' })
  })

  it('ORDER_NOT_PAID: pending and expired', async () => {
    const order = await placeOrder(db, { eventId })
    assert.equal((await request(order.orderId)).error, 'ORDER_NOT_PAID')
    await receive(db.client, expired(order))
    assert.equal((await request(order.orderId)).error, 'ORDER_NOT_PAID')
  })

  it("TICKET_NOT_FOUND: another order's, or none at all; nothing changes", async () => {
    const [order, other] = [await paidOrder(db, { eventId }), await paidOrder(db, { eventId })]
    for (const stranger of [other.tickets[0] ?? '', randomUUID()])
      assert.equal((await request(order.orderId, [...order.tickets, stranger])).error, 'TICKET_NOT_FOUND')
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 2 })
  })

  it('TICKET_USED: a scanned one, unless it is forced; nothing changes', async () => {
    const order = await paidOrder(db, { eventId })
    await scan(order.tickets[0])
    assert.equal((await request(order.orderId)).error, 'TICKET_USED')
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 1, used: 1 })
    assert.equal((await request(order.orderId, order.tickets.slice(1))).amount_cents, 2070)
    assert.equal((await request(order.orderId, undefined, true)).amount_cents, 2070)
    assert.deepEqual((await standOf(db, order))['tickets'], { refunding: 2 })
  })

  it('ALREADY_REFUNDED: none is left to send back, and it says which refunds took them', async () => {
    const order = await paidOrder(db, { eventId })
    const one = await request(order.orderId, first(order.tickets))
    const again = await request(order.orderId, first(order.tickets))
    assert.deepEqual([again.error, again.refund_ids], ['ALREADY_REFUNDED', [one.refund_id]])
    const rest = await request(order.orderId)
    assert.deepEqual(rest.ticket_ids, order.tickets.slice(1))
    assert.deepEqual((await request(order.orderId)).refund_ids, [one.refund_id, rest.refund_id])
  })
})

describe('a refund of ours', () => {
  it('of one ticket: it is refunding, then refunded, its place is sold again and the books follow', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await request(order.orderId, first(order.tickets))
    assert.deepEqual(refund, {
      success: true,
      refund_id: refund.refund_id,
      status: 'queued',
      amount_cents: 2070,
      currency: 'EUR',
      ticket_ids: first(order.tickets),
      payment_id: order.paymentId,
    })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, tickets: -2000, fees: -70, pending: -2070 })
    assert.equal(await scan(order.tickets[0]), false)
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 2, held: 0 })
    await assertLawful(db)
    const told = ourRefund(order, refund)
    assert.equal((await settleRefund(db.client, told, String(refund.refund_id))).outcome, 'REFUNDED')
    for (const type of ['created', 'updated'])
      assert.equal((await receive(db.client, eventOf(`refund.${type}`, told))).outcome, 'NO_CHANGE')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, tickets: -2000, fees: -70, refunds: -2070 })
    assert.deepEqual(await standOf(db, order), {
      order: 'partially_refunded',
      tickets: { valid: 1, refunded: 1 },
      payments: { kept: 1 },
      refunds: { 'succeeded staff': 2070 },
    })
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 1, held: 0 })
    assert.equal(await scan(order.tickets[1]), true)
  })

  it('of the order: told by an event that comes before the answer, then pending and late ones change nothing', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await request(order.orderId)
    const told = ourRefund(order, refund)
    const event = await receive(db.client, eventOf('refund.created', told))
    assert.deepEqual([event.outcome, event.order_id], ['REFUNDED', order.orderId])
    assert.equal((await settleRefund(db.client, { ...told, status: 'pending' })).outcome, 'NO_CHANGE')
    assert.equal((await standOf(db, order))['order'], 'refunded')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('that takes days is pending, and asked about', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await request(order.orderId)
    const told = ourRefund(order, refund, { status: 'requires_action' })
    assert.equal((await settleRefund(db.client, told)).outcome, 'PENDING')
    assert.deepEqual((await standOf(db, order))['refunds'], { 'pending staff': 4140 })
    await db.rows('update ticketing.refunds set ask_at = now() where id = $1', [refund.refund_id])
    const [asked] = (await due('due_refunds')).filter((row) => row['refund_id'] === refund.refund_id)
    assert.deepEqual([asked?.['action'], asked?.['provider_refund_id']], ['ask', told['id']])
    assert.equal((await settleRefund(db.client, { ...told, status: 'succeeded' })).outcome, 'REFUNDED')
  })

  it('that is refused gives the tickets back as they were, and may be asked for again', async () => {
    const order = await paidOrder(db, { eventId })
    await scan(order.tickets[0])
    const refund = await request(order.orderId, undefined, true)
    assert.equal((await refuse(refund.refund_id)).status, 'failed')
    assert.equal((await refuse(refund.refund_id)).status, 'failed')
    assert.deepEqual(await standOf(db, order), {
      order: 'paid',
      tickets: { valid: 1, used: 1 },
      payments: { kept: 1 },
      refunds: { 'failed staff': 4140 },
    })
    assert.deepEqual(await booksOf(db, order), PAID)
    assert.equal((await request(order.orderId, undefined, true)).success, true)
  })

  it('that is refused, of an order without fees: nothing moves between tickets and fees', async () => {
    await db.rows('update events set fee_fixed_cents = 0, fee_basis_points = 0 where id = $1', [eventId])
    const order = await paidOrder(db, { eventId })
    await db.rows('update events set fee_fixed_cents = 30, fee_basis_points = 200 where id = $1', [eventId])
    await refuse((await request(order.orderId)).refund_id)
    assert.deepEqual(await booksOf(db, order), { captured: 4000, tickets: -4000 })
  })

  it('that went cannot be refused; one that does not exist is not found', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await request(order.orderId)
    await settleRefund(db.client, ourRefund(order, refund))
    assert.equal((await refuse(refund.refund_id)).status, 'succeeded')
    assert.equal((await refuse(randomUUID())).error, 'ORDER_NOT_FOUND')
  })

  for (const status of ['failed', 'canceled']) {
    it(`that is ${status} at the provider is as if it had not been asked for`, async () => {
      const order = await paidOrder(db, { eventId })
      const refund = await request(order.orderId)
      const told = ourRefund(order, refund, { status: 'pending' })
      assert.equal((await settleRefund(db.client, told)).outcome, 'PENDING')
      const failed = { ...told, status }
      assert.equal((await receive(db.client, eventOf('refund.failed', failed))).outcome, 'REFUND_FAILED')
      assert.equal((await settleRefund(db.client, failed)).outcome, 'NO_CHANGE')
      assert.deepEqual((await standOf(db, order))['tickets'], { valid: 2 })
      assert.deepEqual(await booksOf(db, order), PAID)
    })
  }

  it('that had gone and comes back: the tickets stay gone, and the money is sent again, for an hour is pending', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await request(order.orderId)
    const told = ourRefund(order, refund)
    await settleRefund(db.client, told)
    assert.equal((await settleRefund(db.client, { ...told, status: 'failed' })).outcome, 'REFUND_FAILED')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, pending: -4140 })
    assert.deepEqual((await standOf(db, order))['tickets'], { refunded: 2 })
    await assertLawful(db)
    const again = await soon(order.orderId)
    assert.notEqual(again.refund_id, refund.refund_id)
    await settleRefund(db.client, ourRefund(order, again))
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('that had gone and comes back, while a person sends it at the provider: it goes once', async () => {
    const order = await paidOrder(db, { eventId })
    const told = ourRefund(order, await request(order.orderId))
    await settleRefund(db.client, told)
    await settleRefund(db.client, { ...told, status: 'failed' })
    const again = await soon(order.orderId)
    await settleRefund(db.client, refundOf(order))
    await assertLawful(db)
    await refuse(again.refund_id)
    await assertLawful(db)
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('that we believed refused and yet went, and then comes back', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await request(order.orderId, first(order.tickets))
    await refuse(refund.refund_id)
    const told = ourRefund(order, refund)
    assert.equal((await settleRefund(db.client, told)).outcome, 'REFUNDED')
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 1, refunded: 1 })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, tickets: -2000, fees: -70, refunds: -2070 })
    await assertLawful(db)
    assert.equal((await settleRefund(db.client, { ...told, status: 'failed' })).outcome, 'REFUND_FAILED')
    assert.equal((await settleRefund(db.client, told)).outcome, 'NO_CHANGE', 'a late event revives nothing')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, tickets: -2000, fees: -70, pending: -2070 })
    assert.equal((await soon(order.orderId)).amount_cents, 2070)
  })

  it('of free tickets is done at once, without the provider', async () => {
    const tierId = await addTier(db, eventId)
    const [ticket] = await buyTickets(db, eventId, tierId, 2)
    const orderId = await db.value<string>('select order_id from tickets where id = $1', [ticket])
    const one = await request(orderId, [String(ticket)])
    assert.deepEqual([one.status, one.amount_cents, one.payment_id], ['succeeded', 0, null])
    assert.deepEqual(await countsOf(db, tierId), { sold: 1, held: 0 })
    assert.equal((await request(orderId)).status, 'succeeded')
    assert.equal(await db.value('select status from orders where id = $1', [orderId]), 'refunded')
  })
})

describe('due_refunds', () => {
  it('leases each to one caller at a time, sends for 23 hours, and asks from then on', async () => {
    const order = await paidOrder(db, { eventId })
    const { refund_id } = await request(order.orderId)
    const mine = async () => (await due('due_refunds')).find((row) => row['refund_id'] === refund_id)
    assert.deepEqual(await mine(), {
      refund_id,
      action: 'send',
      key: `refund:${refund_id}`,
      payment_id: order.paymentId,
      amount_cents: 4140,
      currency: 'EUR',
      reason: 'staff',
      provider_refund_id: null,
      order_id: order.orderId,
    })
    assert.equal(await mine(), undefined)
    await db.rows(
      `update ticketing.refunds set ask_at = now(), created_at = now() - interval '23 hours' where id = $1`,
      [refund_id],
    )
    assert.equal((await mine())?.['action'], 'ask')
  })

  it('gives several callers at once different refunds, and waits for none of them', async () => {
    const order = await paidOrder(db, { eventId, quantity: 4 })
    for (const ticket of await ticketsOf(db, order)) await request(order.orderId, [ticket])
    const [a, b] = [await db.connect(), await db.connect()]
    await a.query('begin')
    const lease = async (client: typeof a) =>
      (await client.query<{ due: { refund_id: string }[] }>('select ticketing.due_refunds(2) as due')).rows[0]
        ?.due
    const [first, second] = [await lease(a), await lease(b)]
    await a.query('commit')
    const ids = [...(first ?? []), ...(second ?? [])].map((row) => row.refund_id)
    assert.equal(new Set(ids).size, 4)
  })
})
