import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addTier } from '../support/box-office.ts'
import { assertLawful } from '../support/callers.ts'
import type { TestDatabase } from '../support/database.ts'
import { openOfficeWithFees } from '../support/lawful-office.ts'
import {
  booksOf,
  completed,
  countsOf,
  disputeOf,
  eventOf,
  ourRefund,
  PAID,
  type PlacedOrder,
  paidOrder,
  placeOrder,
  receive,
  refundOf,
  refuseRefund,
  requestRefund,
  settleRefund,
  standOf,
} from '../support/money.ts'
import { moneyDesk } from '../support/money-desk.ts'

const { db, eventId, staffId } = await openOfficeWithFees()
const { soon } = moneyDesk(db, staffId)

const failed = (refund: object) => settleRefund(db.client, { ...refund, status: 'failed' })
const dashboard = (order: PlacedOrder, amount: number, change: object = {}) =>
  refundOf(order, { amount, ...change })
const owedRows = (from: TestDatabase = db) =>
  from.rows(
    `select payment_id, cents::int from ticketing.law_paid_once_issued_once
     where broken = 'money is owed back, and it is not on its way'`,
  )

/** Refuses what is due until nothing is queued any more; answers how often. */
async function refuseAll(order: PlacedOrder): Promise<number> {
  for (let times = 1; times <= 20; times++) {
    await refuseRefund(db.client, (await soon(order.orderId)).refund_id)
    if ((await owedRows()).length > 0) return times
    await assertLawful(db)
  }
  throw new Error('it is queued for ever')
}

describe('what is owed back', () => {
  it('a refund that went, failed days later, and was refused once is sent again; the order is not refunded', async () => {
    const order = await paidOrder(db, { eventId })
    const told = ourRefund(order, await requestRefund(db.client, order.orderId))
    await settleRefund(db.client, told)
    await failed(told)
    assert.equal((await standOf(db, order))['order'], 'paid')
    await refuseRefund(db.client, (await soon(order.orderId)).refund_id)
    assert.deepEqual(await standOf(db, order), {
      order: 'paid',
      tickets: { refunded: 2 },
      payments: { kept: 1 },
      refunds: { 'failed staff': 4140, 'failed OWED': 4140, 'queued OWED': 4140 },
    })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, pending: -4140 })
    const again = await soon(order.orderId)
    await settleRefund(db.client, ourRefund(order, again))
    assert.equal((await standOf(db, order))['order'], 'refunded')
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('waits an hour, two, four … at most a day; after ten failures the law prints payment and sum, and staff may ask again', async () => {
    const order = await paidOrder(db, { eventId })
    const one = order.tickets.slice(1)
    const told = ourRefund(order, await requestRefund(db.client, order.orderId, one))
    await settleRefund(db.client, told)
    await failed(told)
    const wait = () =>
      db.value<number>(
        `select round(extract(epoch from max(ask_at) - now()) / 3600)::int from ticketing.refunds where order_id = $1`,
        [order.orderId],
      )
    const waits: number[] = []
    for (let times = 0; times < 10; times++) {
      waits.push(await wait())
      await refuseRefund(db.client, (await soon(order.orderId)).refund_id)
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 24, 24, 24, 24, 24])
    assert.deepEqual(await owedRows(), [{ payment_id: order.paymentId, cents: 2070 }])
    assert.equal((await standOf(db, order))['order'], 'paid')
    const asked = await requestRefund(db.client, order.orderId, one)
    assert.deepEqual([asked.success, asked.status, asked.amount_cents], [true, 'queued', 2070])
    assert.equal((await requestRefund(db.client, order.orderId, one)).error, 'ALREADY_REFUNDED')
    await settleRefund(db.client, ourRefund(order, asked))
    assert.equal((await standOf(db, order))['order'], 'partially_refunded')
  })

  it('after the tenth return that was refused: the law, until a person sends it', async () => {
    const order = await paidOrder(db, { eventId })
    const second = { ...order, paymentId: `pi_second_${order.orderId}` }
    await receive(db.client, completed(second))
    assert.equal(await refuseAll(order), 10)
    assert.deepEqual(await owedRows(), [{ payment_id: second.paymentId, cents: 4140 }])
    await settleRefund(db.client, refundOf(second))
  })

  it('all of it went in the dashboard, voided the tickets, and failed: it is sent, whatever fails then', async () => {
    const order = await paidOrder(db, { eventId })
    const told = dashboard(order, 4140)
    await settleRefund(db.client, told)
    await failed(told)
    assert.equal(await refuseAll(order), 10)
    assert.deepEqual(await owedRows(), [{ payment_id: order.paymentId, cents: 4140 }])
    await settleRefund(db.client, dashboard(order, 4140))
    assert.equal((await standOf(db, order))['order'], 'refunded')
  })

  for (const status of ['pending', 'succeeded'])
    it(`a part of the dashboard's, ${status}, was subtracted from ours and failed: the part is sent`, async () => {
      const order = await paidOrder(db, { eventId })
      const part = dashboard(order, 1000, { status })
      await settleRefund(db.client, part)
      const rest = await requestRefund(db.client, order.orderId)
      assert.equal(rest.amount_cents, 3140)
      await settleRefund(db.client, ourRefund(order, rest))
      await failed(part)
      const sent = await soon(order.orderId)
      assert.equal(sent.amount_cents, 1000)
      assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -3140, pending: -1000 })
      await settleRefund(db.client, ourRefund(order, sent))
      assert.equal((await standOf(db, order))['order'], 'refunded')
    })

  it('a part of the dashboard’s that nothing was subtracted for is that person’s: nothing is owed', async () => {
    const order = await paidOrder(db, { eventId })
    const part = dashboard(order, 1000)
    await settleRefund(db.client, part)
    await failed(part)
    assert.deepEqual((await standOf(db, order))['refunds'], { 'failed dashboard': 1000 })
    assert.deepEqual(await booksOf(db, order), PAID)
  })

  it('a returned payment, of which a person sent a part that failed: the part is sent too', async () => {
    const order = await paidOrder(db, { eventId })
    const second = { ...order, paymentId: `pi_second_${order.orderId}` }
    await receive(db.client, completed(second))
    const part = dashboard(second, 1000)
    await settleRefund(db.client, part)
    const rest = await soon(order.orderId)
    assert.equal(rest.amount_cents, 3140, 'what was never sent follows what is owed')
    await settleRefund(db.client, ourRefund(second, rest))
    await failed(part)
    const sent = await soon(order.orderId)
    assert.equal(sent.amount_cents, 1000)
    await settleRefund(db.client, ourRefund(second, sent))
    assert.deepEqual(await booksOf(db, order), { ...PAID, captured: 8280, refunds: -4140 })
  })

  it('is not sent where a person sends it first', async () => {
    const order = await paidOrder(db, { eventId })
    const told = ourRefund(order, await requestRefund(db.client, order.orderId))
    await settleRefund(db.client, told)
    await failed(told)
    await settleRefund(db.client, dashboard(order, 4140, { status: 'pending' }))
    assert.deepEqual((await standOf(db, order))['refunds'], {
      'failed staff': 4140,
      'pending dashboard': 4140,
    })
  })

  for (const status of ['pending', 'succeeded'])
    it(`a refund believed refused that is ${status} at the provider takes its tickets with it; one scanned meanwhile stays`, async () => {
      const order = await paidOrder(db, { eventId })
      const refund = await requestRefund(db.client, order.orderId)
      await refuseRefund(db.client, refund.refund_id)
      await db.rows('select scan_ticket_atomic($1, gen_random_uuid())', [order.tickets[0]])
      const told = ourRefund(order, refund, { status })
      const answer = await receive(db.client, eventOf('refund.created', told))
      assert.equal(answer.outcome, status === 'pending' ? 'PENDING' : 'REFUNDED')
      await assertLawful(db)
      await settleRefund(db.client, { ...told, status: 'succeeded' })
      assert.deepEqual((await standOf(db, order))['tickets'], { used: 1, refunded: 1 })
      assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
      assert.equal((await settleRefund(db.client, { ...told, status: 'pending' })).outcome, 'NO_CHANGE')
    })

  it('one of our returns, believed refused, that exists: the next one is not sent', async () => {
    const order = await paidOrder(db, { eventId })
    const second = { ...order, paymentId: `pi_second_${order.orderId}` }
    await receive(db.client, completed(second))
    const lost = await soon(order.orderId)
    await refuseRefund(db.client, lost.refund_id)
    const told = ourRefund(second, lost, { status: 'pending' })
    assert.equal((await settleRefund(db.client, told)).outcome, 'PENDING')
    await settleRefund(db.client, { ...told, status: 'succeeded' })
    assert.deepEqual(await booksOf(db, order), { ...PAID, captured: 8280, refunds: -4140 })
  })
})

describe('each account by itself', () => {
  it('paid, disputed, refund asked, dispute won, refunded: tickets and fees are zero, not −19.99 and +19.99', async () => {
    const tierId = await addTier(db, eventId, { priceCents: 1999 })
    const order = await paidOrder(db, { eventId, tierId, quantity: 1 })
    await receive(db.client, disputeOf(order, 'needs_response'))
    await requestRefund(db.client, order.orderId)
    await receive(db.client, disputeOf(order, 'won'))
    await assertLawful(db)
    const [owed] = await db.rows<{ refund_id: string; amount_cents: number }>(
      `select id as refund_id, amount_cents::int from ticketing.refunds where order_id = $1 and status = 'queued'`,
      [order.orderId],
    )
    await settleRefund(db.client, ourRefund(order, { success: true, ...owed }))
    assert.deepEqual(await booksOf(db, order), { captured: 2069, refunds: -2069 })
  })

  it('paid, refund asked, disputed, dispute won, refunded: the same', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await requestRefund(db.client, order.orderId)
    await receive(db.client, disputeOf(order, 'needs_response'))
    await assertLawful(db)
    await receive(db.client, disputeOf(order, 'won'))
    await settleRefund(db.client, ourRefund(order, refund))
    assert.deepEqual(await booksOf(db, order), { captured: 4140, refunds: -4140 })
  })

  it('what happens again is booked again: a dispute, a refund that goes and fails twice', async () => {
    const order = await paidOrder(db, { eventId })
    for (let times = 0; times < 2; times++) {
      const refund = await requestRefund(db.client, order.orderId, order.tickets.slice(1))
      await refuseRefund(db.client, refund.refund_id)
      await assertLawful(db)
    }
    await receive(db.client, disputeOf(order, 'needs_response'))
    await receive(db.client, disputeOf(order, 'lost'))
    assert.deepEqual(await booksOf(db, order), { captured: 4140, disputed: -4140 })
  })

  it('a refund that fails twice: refused, there after all, and failed', async () => {
    const order = await paidOrder(db, { eventId })
    const refund = await requestRefund(db.client, order.orderId, order.tickets.slice(1))
    await refuseRefund(db.client, refund.refund_id)
    const told = ourRefund(order, refund, { status: 'pending' })
    await settleRefund(db.client, told)
    assert.deepEqual(await booksOf(db, order), { ...PAID, tickets: -2000, fees: -70, pending: -2070 })
    await failed(told)
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 2 })
    assert.deepEqual(await booksOf(db, order), PAID)
  })

  it('tickets that were asked for again while a refund was believed refused: valid again only where no money goes', async () => {
    const order = await paidOrder(db, { eventId })
    const lost = await requestRefund(db.client, order.orderId, order.tickets.slice(1))
    await refuseRefund(db.client, lost.refund_id)
    const again = await requestRefund(db.client, order.orderId)
    const told = ourRefund(order, lost, { status: 'pending' })
    await settleRefund(db.client, told)
    await refuseRefund(db.client, again.refund_id)
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 1, refunding: 1 })
    await settleRefund(db.client, { ...told, status: 'succeeded' })
    assert.deepEqual((await standOf(db, order))['tickets'], { valid: 1, refunded: 1 })
    assert.deepEqual(await booksOf(db, order), { captured: 4140, tickets: -2000, fees: -70, refunds: -2070 })
  })

  it('the law sees an account that is wrong where the sum is right', async () => {
    const order = await paidOrder(db, { eventId })
    await db.client.query('begin')
    await db.rows(`select ticketing.book($1, 'EUR', 'wrong', '{tickets,fees}', '{-1999,1999}')`, [
      order.orderId,
    ])
    const rows = await db.rows<{ broken: string; expected: number; booked: number }>(
      'select broken, expected::int, booked::int from ticketing.law_books_balance order by broken',
    )
    await db.client.query('rollback')
    assert.deepEqual(rows, [
      { broken: 'fees is not what payments, refunds and tickets say', expected: -140, booked: 1859 },
      { broken: 'tickets is not what payments, refunds and tickets say', expected: -4000, booked: -5999 },
    ])
  })
})

describe('money for nothing goes back', () => {
  const endings: readonly [string, string, string][] = [
    [
      'EVENT_OVER',
      'the event has ended',
      `start_at = now() - interval '3 hours', end_at = now() - interval '1 second'`,
    ],
    [
      'EVENT_OVER',
      'the last entry is over',
      `start_at = now() - interval '3 hours', entry_until = now() - interval '1 second'`,
    ],
    ['EVENT_CANCELLED', 'the event is cancelled', `status = 'cancelled'`],
  ]
  for (const [reason, what, change] of endings)
    for (const delayed of [false, true])
      it(`${reason}: ${what}, ${delayed ? 'a debit' : 'a card'}: the order ends, its places are free, the money is on its way`, async () => {
        const order = await placeOrder(db, { eventId })
        if (delayed) await receive(db.client, completed(order, { payment_status: 'unpaid' }))
        const before = await db.value('select to_jsonb(e) from events e where id = $1', [eventId])
        await db.rows(`update events set ${change} where id = $1`, [eventId])
        const event = delayed
          ? { ...completed(order), type: 'checkout.session.async_payment_succeeded' }
          : completed(order)
        const answer = await receive(db.client, event)
        assert.deepEqual([answer.outcome, answer.reason], ['RETURNED', reason])
        assert.deepEqual(await standOf(db, order), {
          order: 'expired',
          tickets: {},
          payments: { [`returned ${reason}`]: 1 },
          refunds: { [`queued ${reason}`]: 4140 },
        })
        assert.deepEqual(await countsOf(db, order.tierId), { sold: 0, held: 0 })
        await db.rows(
          `update events e set status = b.status, start_at = b.start_at, end_at = b.end_at, entry_until = b.entry_until
           from jsonb_populate_record(null::events, $2) b where e.id = $1`,
          [eventId, before],
        )
      })
})

describe('a method that pays in days', () => {
  for (const [start, isOffered] of [
    ['6 days', false],
    ['8 days', true],
  ] as const)
    it(`is ${isOffered ? '' : 'not '}offered where the event begins in ${start} and it may take seven`, async () => {
      const before = await db.value('select to_jsonb(e) from events e where id = $1', [eventId])
      await db.rows(
        'update events set start_at = now() + $2::interval, end_at = now() + $2::interval * 2 where id = $1',
        [eventId, start],
      )
      const { orderId } = await placeOrder(db, { eventId })
      await db.rows(
        `update events e set start_at = b.start_at, end_at = b.end_at
         from jsonb_populate_record(null::events, $2) b where e.id = $1`,
        [eventId, before],
      )
      const excluded = await db.value<readonly string[] | null>(
        `select parameters -> 'excluded_payment_method_types' from ticketing.checkout_sessions where order_id = $1`,
        [orderId],
      )
      assert.equal(excluded?.includes('sepa_debit') ?? false, !isOffered)
      assert.equal(excluded?.includes('card') ?? false, false)
    })
})
