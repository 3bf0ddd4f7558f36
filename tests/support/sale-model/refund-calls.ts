import assert from 'node:assert/strict'
import fc from 'fast-check'
import { eventOf, type MoneyAnswer, refundOf, refuseRefund, requestRefund, settleRefund } from '../money.ts'
import {
  type Among,
  type Call,
  type Calls,
  call,
  callOn,
  deliver,
  idOf,
  issuedIn,
  ordersIn,
  placed,
  someOf,
} from './call.ts'
import { cancelEvent } from './event.ts'
import { refund, refuse, sendByHand, type Told, takeUp, tell, voidTickets } from './money.ts'
import type { Real } from './real.ts'
import { type Order, type Refund, refundableOf, type Sale } from './sale.ts'

/** Calls of staff, of the jobs and of the provider about money that goes back, and tickets that go without it. */
export function refundCalls(): Calls {
  const at = fc.nat({ max: 7 })
  const bits = fc.nat({ max: 31 })
  const isIt = fc.boolean()
  const told = fc.constantFrom<Told[]>('succeeded', 'pending', 'failed')
  return [
    [12, fc.tuple(at, bits, isIt).map(([n, some, isForced]) => refundCall(n, some, isForced, issuedIn))],
    [2, fc.tuple(at, bits, isIt).map(([n, some, isForced]) => refundCall(n, some, isForced, ordersIn))],
    [4, fc.constant(takeUpCall())],
    [10, fc.tuple(at, told, isIt).map(([n, how, isEvent]) => tellCall(n, how, isEvent))],
    [6, fc.tuple(at, isIt).map(([n, isEvent]) => tellCall(n, 'succeeded', isEvent))],
    [6, at.map(refuseCall)],
    [4, fc.tuple(at, fc.integer({ min: 1, max: 9999 })).map(([n, cents]) => sendByHandCall(n, cents))],
    [6, fc.tuple(at, bits, isIt).map(([n, some, isFree]) => voidCall(n, some, isFree, issuedIn))],
    [2, fc.tuple(at, bits, isIt).map(([n, some, isFree]) => voidCall(n, some, isFree, ordersIn))],
    [2, isIt.map(cancelEventCall)],
  ]
}

const refundCall = (at: number, bits: number, isForced: boolean, among: Among<Order>) =>
  callOn(`refund${isForced ? ' by force' : ''} ${bits} of order`, at, among, async (sale, real, order) => {
    const named = someOf(order, bits)
    const ids = named?.map((ticket) => idOf(real.tickets, ticket)) ?? null
    const told = await requestRefund(real.db.client, placed(real, order).orderId, ids, isForced)
    const answer = refund(sale, order, named, isForced)
    assert.deepEqual(
      [told.error, told.status, told.amount_cents],
      [answer.error, answer.status, answer.amount],
    )
    return `refund${isForced ? ' by force' : ''} ${answer.error ?? answer.status}`
  })

interface Due {
  readonly order_id: string
  readonly refund_id: string
  readonly amount_cents: number
  readonly action: string
}

/** Hours pass, and the job gets all that is to be sent or to be asked about. */
function takeUpCall(): Call {
  return call('take up refunds', async (sale, { db, eventId, orders, refunds }) => {
    await db.rows('update ticketing.refunds set ask_at = now() where event_id = $1 and ask_at is not null', [
      eventId,
    ])
    const due = await db.value<readonly Due[]>('select ticketing.due_refunds(1000)')
    const lines = due
      .filter(({ order_id }) => orders.some(({ orderId }) => orderId === order_id))
      .map((its) => `${its.refund_id} ${its.action} ${its.amount_cents}`)
    const expected = takeUp(sale).map(
      (its) => `${idOf(refunds, its)} ${its.status === 'queued' ? 'send' : 'ask'} ${its.amount}`,
    )
    assert.deepEqual(lines.sort(), expected.sort())
    return `take up ${lines.length > 0 ? 'some' : 'none'}`
  })
}

interface Sent {
  readonly order: Order
  readonly refund: Refund
}

/** Refunds that the provider is asked for. */
const sentIn = ({ orders }: Readonly<Sale>): readonly Sent[] =>
  orders.flatMap((order) =>
    order.refunds
      .filter(({ payment, amount }) => payment !== undefined && amount > 0)
      .map((its) => ({ order, refund: its })),
  )

/** What it has not got yet it takes only where so much is left of the payment. */
const canBeTold = (told: Told) => (sale: Readonly<Sale>) =>
  sentIn(sale).filter(
    ({ order, refund: { isKnown, payment, amount } }) =>
      isKnown || told === 'failed' || (payment !== undefined && amount <= refundableOf(order, payment)),
  )

function tellCall(at: number, told: Told, isEvent: boolean): Call {
  const name = `tell ${isEvent ? 'by an event' : 'the job'} that it ${told}: refund`
  return callOn(name, at, canBeTold(told), async (sale, real, sent) => {
    const object = await objectOf(real, sent, told)
    const outcome = () => tell(sale, sent.order, sent.refund, told)
    const event = eventOf(told === 'failed' ? 'refund.failed' : 'refund.updated', object)
    if (isEvent) return deliver('tell', sale, real, event, () => ({ outcome: outcome() }))
    const answer = await settleRefund(real.db.client, object, idOf(real.refunds, sent.refund))
    const expected = outcome()
    assert.equal(answer.outcome, expected)
    return `tell ${expected}`
  })
}

/** The provider's object of a refund; one that a person made there has the provider's own id. */
async function objectOf(real: Real, { order, refund: its }: Sent, status: Told): Promise<object> {
  const id = idOf(real.refunds, its)
  const known = await real.db.value<string | null>(
    'select provider_refund_id from ticketing.refunds where id = $1',
    [id],
  )
  return refundOf(placed(real, order), {
    id: known ?? `re_${id}`,
    amount: its.amount,
    status,
    payment_intent: its.payment === undefined ? null : idOf(real.payments, its.payment),
    metadata: { refund_id: id },
  })
}

const refuseCall = (at: number) =>
  callOn('refuse refund', at, sentIn, async (sale, real, { order, refund: its }) => {
    const answer = await refuseRefund(real.db.client, idOf(real.refunds, its))
    const status = refuse(sale, order, its)
    assert.equal(answer.status, status)
    return `refuse ${status}`
  })

/** At most what is left of the payment. */
function sendByHandCall(at: number, cents: number): Call {
  const refundable = ({ orders }: Readonly<Sale>) =>
    orders.flatMap((order) =>
      order.payments
        .map((payment) => ({ order, payment, left: refundableOf(order, payment) }))
        .filter(({ left }) => left > 0),
    )
  const name = `send back ${cents} cents by hand of payment`
  return callOn(name, at, refundable, (sale, real, { order, payment, left }) => {
    const amount = Math.min(cents, left)
    const object = refundOf(placed(real, order), { amount, payment_intent: idOf(real.payments, payment) })
    return deliver('send by hand', sale, real, eventOf('refund.created', object), () => ({
      outcome: sendByHand(sale, order, payment, amount),
    }))
  })
}

const voidCall = (at: number, bits: number, isFree: boolean, among: Among<Order>) =>
  callOn(`void ${bits}${isFree ? ' and free' : ''} of order`, at, among, async (sale, real, order) => {
    const named = someOf(order, bits)
    const ids = named?.map((ticket) => idOf(real.tickets, ticket)) ?? null
    const told = await real.db.value<MoneyAnswer & { order_status?: string }>(
      `select ticketing.void_tickets($1, $2, 'fraud', $3)`,
      [placed(real, order).orderId, ids, isFree],
    )
    const code = voidTickets(sale, order, named, isFree)
    assert.equal(told.error ?? 'success', code)
    if (code === 'success') assert.equal(told.order_status, order.status)
    return `void ${code}`
  })

const cancelEventCall = (isForced: boolean) =>
  call(`cancel the event${isForced ? ' by force' : ''}`, async (sale, { db, eventId }) => {
    const isAgain = sale.cancellation !== undefined
    const told = await db.value<object>('select ticketing.cancel_event($1, null, $2)', [eventId, isForced])
    const progress = cancelEvent(sale, isForced)
    assert.deepEqual(told, { success: true, event_id: eventId, ...progress })
    return `cancel event${isAgain ? ' again' : ''} ${progress.done ? 'done' : 'goes on'}`
  })
