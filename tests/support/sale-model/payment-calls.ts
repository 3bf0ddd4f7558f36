import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { completed, eventOf, expired, type MoneyAnswer, receive, sessionOf, settle } from '../money.ts'
import { buy, carts, nameOf } from './buying-calls.ts'
import {
  type Among,
  type Call,
  type Calls,
  call,
  callOn,
  deliver,
  idOf,
  ordersIn,
  paidFor,
  placed,
  unpaidIn,
} from './call.ts'
import { authorise, cancelOrder, endSession, failPayment, paidAgain, pay } from './money.ts'
import type { Real } from './real.ts'
import { type Cart, type Order, type Sale, totalOf } from './sale.ts'

/** Calls of buyers and of the provider about sessions and payments. */
export function paymentCalls(): Calls {
  const at = fc.nat({ max: 7 })
  return [
    [12, carts().map(buyAndPayCall)],
    [12, at.map((n) => payCall(n, unpaidIn))],
    [2, at.map((n) => payCall(n, paidFor))],
    [4, fc.tuple(at, fc.constantFrom(-100, 1, 500)).map(([n, more]) => payWrongCall(n, more))],
    [4, at.map(tellAgainCall)],
    [4, fc.tuple(at, fc.boolean()).map(([n, isEvent]) => payAgainCall(n, isEvent))],
    [8, at.map((n) => authoriseCall(n, unpaidIn))],
    [2, at.map((n) => failPaymentCall(n, unpaidIn))],
    [4, at.map((n) => endSessionCall(n, unpaidIn))],
    [4, at.map((n) => cancelOrderCall(n, unpaidIn))],
    // Told of what is over.
    [2, at.map((n) => authoriseCall(n, paidFor))],
    [2, at.map((n) => failPaymentCall(n, paidFor))],
    [2, at.map((n) => endSessionCall(n, paidFor))],
    [2, at.map((n) => cancelOrderCall(n, ordersIn))],
  ]
}

/** Two calls at once, because most of what money does begins with them. */
function buyAndPayCall(cart: Cart): Call {
  return call(`buy and pay ${nameOf(cart)}`, async (sale, real) => {
    const { code, order } = await buy(sale, real, undefined, cart)
    return order?.session === undefined ? `checkout ${code}` : payFor(sale, real, order, totalOf(order))
  })
}

const payCall = (at: number, among: Among<Order>) =>
  callOn('pay order', at, among, (sale, real, order) => payFor(sale, real, order, totalOf(order)))

const payWrongCall = (at: number, more: number) =>
  callOn(`pay ${more} cents more for order`, at, unpaidIn, (sale, real, order) =>
    payFor(sale, real, order, totalOf(order) + more),
  )

async function payFor(sale: Sale, real: Real, order: Order, amount: number): Promise<string> {
  const id = `pi_${randomUUID()}`
  const when = order.status === 'expired' || order.isLate ? 'pay late' : 'pay'
  const event = completed(placed(real, order), { payment_intent: id, amount_total: amount })
  return deliver(when, sale, real, event, () => {
    const outcome = pay(sale, order, amount)
    for (const payment of order.payments) if (!real.payments.has(payment)) real.payments.set(payment, id)
    return outcome
  })
}

/** The very event, once more. */
function tellAgainCall(at: number): Call {
  const delivered = (sale: Readonly<Sale>) => sale.delivered
  return callOn('tell again event', at, delivered, async (sale, real, { outcome }) => {
    const told = await receive(real.db.client, real.delivered[at % sale.delivered.length] ?? {})
    assert.deepEqual(
      { success: told.success, duplicate: told.duplicate, outcome: told.outcome },
      { success: true, duplicate: true, outcome },
    )
    return 'tell again duplicate'
  })
}

/** The same payment, by another event or as the job is told of it. */
function payAgainCall(at: number, isEvent: boolean): Call {
  const paid = ({ orders }: Readonly<Sale>) =>
    orders.flatMap((order) => order.payments.map((payment) => ({ order, payment })))
  const name = `tell ${isEvent ? 'by another event' : 'the job'} of payment`
  return callOn(name, at, paid, async (sale, real, { order, payment }) => {
    const change = { payment_intent: idOf(real.payments, payment), amount_total: payment.amount }
    if (isEvent)
      return deliver('pay again', sale, real, completed(placed(real, order), change), () =>
        paidAgain(payment),
      )
    const { outcome, reason } = paidAgain(payment)
    const told = await settle(real.db.client, sessionOf(placed(real, order), change))
    assert.deepEqual([told.outcome, told.reason], [outcome, reason])
    return `pay again ${reason === undefined ? outcome : `${outcome} ${reason}`}`
  })
}

/** By a method that pays in days. */
const authoriseCall = (at: number, among: Among<Order>) =>
  callOn('authorise a payment of order', at, among, (sale, real, order) =>
    deliver('authorise', sale, real, completed(placed(real, order), { payment_status: 'unpaid' }), () =>
      authorise(sale, order),
    ),
  )

const failPaymentCall = (at: number, among: Among<Order>) =>
  callOn('fail the payment of order', at, among, (sale, real, order) => {
    const session = sessionOf(placed(real, order), { payment_status: 'unpaid' })
    const event = eventOf('checkout.session.async_payment_failed', session)
    return deliver('fail payment', sale, real, event, () => failPayment(sale, order))
  })

const endSessionCall = (at: number, among: Among<Order>) =>
  callOn('end the session of order', at, among, (sale, real, order) =>
    deliver('end session', sale, real, expired(placed(real, order)), () => endSession(sale, order)),
  )

const cancelOrderCall = (at: number, among: Among<Order>) =>
  callOn('cancel order', at, among, async (_, real, order) => {
    const told = await real.db.value<MoneyAnswer>('select ticketing.cancel_order($1)', [
      placed(real, order).orderId,
    ])
    const code = cancelOrder(order)
    assert.equal(told.error ?? told.status, code)
    return `cancel order ${code}`
  })
