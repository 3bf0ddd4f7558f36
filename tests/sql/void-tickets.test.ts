import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addStaff, addTier, buyTickets } from '../support/box-office.ts'
import { type Caller, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  booksOf,
  countsOf,
  disputeOf,
  type MoneyAnswer,
  PAID,
  paidOrder,
  placeOrder,
  receive,
  refundOf,
  requestRefund,
  settleRefund,
  standOf,
} from '../support/money.ts'
import { moneyDesk } from '../support/money-desk.ts'

const { db, businessId, eventId, staffId } = await openOfficeWithFees()

const voidTickets = (
  orderId: string | null,
  ticketIds: readonly string[] | null = null,
  free: boolean | null = null,
  {
    caller = SERVICE,
    reason = 'dispute lost' as string | null,
  }: { caller?: Caller; reason?: string | null } = {},
) =>
  valueAs<MoneyAnswer & { order_status?: string; places_free?: boolean }>(
    db.client,
    caller,
    'select ticketing.void_tickets($1, $2, $3, $4)',
    [orderId, ticketIds, reason, free],
  )
const { scan } = moneyDesk(db, staffId)
const member = async (role: string) => signedIn(await addStaff(db, businessId, role))

describe('void_tickets', () => {
  it('refuses what is no request, strangers, the door, what is not paid, not there, scanned, or void', async () => {
    const order = await paidOrder(db, { eventId })
    const { orderId, tickets } = order
    const waiting = await placeOrder(db, { eventId })
    assert.equal((await voidTickets(null)).error, 'INVALID_REQUEST')
    assert.equal((await voidTickets(orderId, [])).error, 'INVALID_REQUEST')
    for (const reason of [null, '', 'x'.repeat(501)])
      assert.equal((await voidTickets(orderId, null, null, { reason })).error, 'INVALID_REQUEST')
    const stranger = signedIn(randomUUID())
    assert.equal((await voidTickets(orderId, null, null, { caller: stranger })).error, 'ORDER_NOT_FOUND')
    assert.equal(
      (await voidTickets(orderId, null, null, { caller: await member('door') })).error,
      'FORBIDDEN',
    )
    assert.equal((await voidTickets(waiting.orderId)).error, 'ORDER_NOT_PAID')
    assert.equal((await voidTickets(orderId, [...tickets, randomUUID()])).error, 'TICKET_NOT_FOUND')
    await scan(tickets[0])
    assert.equal((await voidTickets(orderId, tickets)).error, 'TICKET_USED')
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 1, used: 1 })
    assert.equal((await voidTickets(orderId, null, null, { caller: await member('manager') })).success, true)
    assert.deepEqual((await standOf(db, order))['tickets'], { void: 1, used: 1 })
    assert.equal((await voidTickets(orderId)).error, 'ALREADY_VOID')
    assert.equal((await voidTickets(orderId, tickets.slice(1))).error, 'ALREADY_VOID')
  })

  for (const free of [false, true])
    it(`without money, its places ${free ? 'free' : 'taken'}: the gate refuses, the sale stays in the books`, async () => {
      const order = await paidOrder(db, { eventId })
      const answer = await voidTickets(order.orderId, order.tickets.slice(1), free)
      assert.deepEqual(
        [answer.ticket_ids, answer.places_free, answer.order_status],
        [order.tickets.slice(1), free, 'paid'],
      )
      assert.equal(await scan(order.tickets[1]), false)
      assert.equal(await scan(order.tickets[0]), true)
      assert.deepEqual(await countsOf(db, order.tierId), { sold: free ? 1 : 2, held: 0 })
      assert.deepEqual(await booksOf(db, order), PAID)
      assert.deepEqual((await standOf(db, order))['refunds'], {})
      assert.deepEqual(
        await db.rows('select ticket_ids, reason, places_free from ticketing.voids where order_id = $1', [
          order.orderId,
        ]),
        [{ ticket_ids: order.tickets.slice(1), reason: 'dispute lost', places_free: free }],
      )
    })

  it('after a lost dispute: the gate refuses, nothing is owed, the order is cancelled and not refunded', async () => {
    const order = await paidOrder(db, { eventId })
    await receive(db.client, disputeOf(order, 'needs_response'))
    await receive(db.client, disputeOf(order, 'lost'))
    assert.equal((await voidTickets(order.orderId, null, true)).order_status, 'cancelled')
    assert.equal(await scan(order.tickets[0]), false)
    assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 0 })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, disputed: -4140 })
    assert.deepEqual((await standOf(db, order))['refunds'], {})
  })

  it('by SQL, without the verb: the laws hold', async () => {
    const order = await paidOrder(db, { eventId })
    await db.rows(`update tickets set status = 'cancelled' where order_id = $1`, [order.orderId])
    assert.deepEqual(await booksOf(db, order), PAID)
  })

  it('beside a refund: only what is valid is voided, and what a person sends back afterwards is goodwill', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await requestRefund(db.client, order.orderId, order.tickets.slice(1))
    assert.deepEqual((await voidTickets(order.orderId)).ticket_ids, order.tickets.slice(0, 1))
    await settleRefund(
      db.client,
      refundOf(order, { amount: 2070, metadata: { refund_id: refund.refund_id } }),
    )
    await settleRefund(db.client, refundOf(order, { amount: 2070 }))
    assert.deepEqual((await standOf(db, order))['tickets'], { void: 1, refunded: 1 })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
    assert.equal((await standOf(db, order))['order'], 'refunded')
  })

  it('of free tickets', async () => {
    const tierId = await addTier(db, eventId)
    const [ticket] = await buyTickets(db, eventId, tierId, 2)
    const orderId = await db.value<string>('select order_id from tickets where id = $1', [ticket])
    assert.equal((await voidTickets(orderId, null, true)).order_status, 'cancelled')
    assert.deepEqual(await countsOf(db, tierId), { sold: 0, held: 0 })
  })
})

describe('request_refund of what a dispute has', () => {
  it('sends nothing and takes the tickets, and sends it all once the dispute is won', async () => {
    const order = await paidOrder(db, { eventId })
    await receive(db.client, disputeOf(order, 'needs_response'))
    const refund = await requestRefund(db.client, order.orderId)
    assert.deepEqual([refund.status, refund.amount_cents], ['succeeded', 0])
    assert.equal(await scan(order.tickets[0]), false)
    assert.deepEqual(await booksOf(db, order), { captured: 4140, disputed: -4140 })
    assert.equal((await standOf(db, order))['order'], 'cancelled')
    await receive(db.client, disputeOf(order, 'won'))
    assert.deepEqual((await standOf(db, order))['refunds'], { 'succeeded staff': 0, 'queued OWED': 4140 })
    const [queued] = await db.rows<{ id: string }>(
      `select id from ticketing.refunds where order_id = $1 and status = 'queued'`,
      [order.orderId],
    )
    await settleRefund(db.client, refundOf(order, { metadata: { refund_id: queued?.id } }))
    assert.equal((await standOf(db, order))['order'], 'refunded')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('sends what the bank left', async () => {
    const order = await paidOrder(db, { eventId })
    await receive(db.client, disputeOf(order, 'needs_response', { amount: 3000 }))
    const [first, second] = order.tickets
    const amounts: unknown[] = []
    for (const ticket of [first, second])
      amounts.push((await requestRefund(db.client, order.orderId, [String(ticket)])).amount_cents)
    assert.deepEqual(amounts, [1140, 0])
  })
})

it('disputed_orders shows owners and managers what a bank took, with its tickets, and nobody else', async () => {
  const [lost, open, won] = [
    await paidOrder(db, { eventId }),
    await paidOrder(db, { eventId }),
    await paidOrder(db, { eventId }),
  ]
  await receive(db.client, disputeOf(open, 'needs_response'))
  await receive(db.client, disputeOf(won, 'won'))
  await receive(db.client, disputeOf(lost, 'lost'))
  await voidTickets(lost.orderId, lost.tickets.slice(1))
  const seen = async (caller: Caller) =>
    (
      await rowsAs<{ order_id: string; dispute: string; tickets: { status: string }[] }>(
        db.client,
        caller,
        'select * from disputed_orders($1)',
        [eventId],
      )
    )
      .filter(({ order_id }) => [lost, open, won].some(({ orderId }) => orderId === order_id))
      .map(({ order_id, dispute, tickets }) => [
        order_id,
        dispute,
        tickets.map(({ status }) => status).sort(),
      ])
  const all = [
    [lost.orderId, 'lost', ['valid', 'void']],
    [open.orderId, 'open', ['valid', 'valid']],
  ]
  assert.deepEqual(await seen(SERVICE), all)
  assert.deepEqual(await seen(await member('manager')), all)
  assert.deepEqual(await seen(await member('door')), [])
  assert.deepEqual(await seen(signedIn(randomUUID())), [])
})
