import { amountText } from './currencies.ts'
import { newId } from './ids.ts'
import { chargeId } from './objects.ts'
import { requestRefusal } from './refusal.ts'
import { announce, put, type Runtime } from './runtime.ts'
import type { Account, Dispute, Movement, Payment, Refund, RefundCourse, RequestMark } from './state.ts'
import { mustGet } from './store.ts'

/** How long a refund that does not end at once takes; of Stripe's durations. */
const REFUND_S = 3_600

/** Takes the buyer's money. */
export function capture(runtime: Runtime, payment: Payment): Payment {
  move(runtime, payment, 'capture', 'buyer', 'merchant', payment.amount)
  return put<Payment>(runtime, { ...payment, status: 'succeeded', failure: null })
}

export interface RefundOrder {
  /** Null: all that is left. */
  readonly amount: number | null
  readonly reason: Refund['reason']
  readonly metadata: Refund['metadata']
  /** Null: as the card does. */
  readonly course: RefundCourse | 'pending' | null
}

/** Gives money back. Throws a `StripeRefusal` for more than is left of the payment. */
export function refundPayment(
  runtime: Runtime,
  payment: Payment,
  order: RefundOrder,
  request: RequestMark | null,
): Refund {
  const amount = refundable(payment, order.amount)
  const course = order.course ?? payment.refunds
  const refund = put<Refund>(runtime, {
    kind: 'refund',
    id: newId('re_'),
    created: runtime.clock.seconds(),
    payment: payment.id,
    amount,
    currency: payment.currency,
    status: course === 'pending' || course === 'succeed_later' ? 'pending' : 'succeeded',
    reason: order.reason,
    metadata: order.metadata,
    settles: settlement(runtime, course),
  })
  move(runtime, payment, 'refund', 'merchant', 'buyer', amount)
  const state = changeRefunded(runtime, payment, amount)
  announce(runtime, { type: 'refund.created', state: refund }, request)
  announce(runtime, { type: 'charge.refunded', state }, request, { amount_refunded: payment.amount_refunded })
  settleRefundInTime(runtime, refund)
  return refund
}

/** A refund that is under way ends by itself, also one that a restart brought back. */
export function settleRefundInTime(runtime: Runtime, { id, settles }: Refund): void {
  if (settles === null) return
  runtime.clock.at(settles.at, () => {
    const refund = mustGet(runtime.store.refunds, id)
    if (refund.settles !== null) settleRefund(runtime, refund, settles.status)
  })
}

/** The end of a pending refund, or the failure of one that had succeeded. Throws for one that has failed before. */
export function settleRefund(runtime: Runtime, refund: Refund, status: 'succeeded' | 'failed'): Refund {
  if (refund.status === 'failed' || refund.status === status) {
    throw requestRefusal(`This refund has a status of \`${refund.status}\`.`)
  }
  const state = put<Refund>(runtime, { ...refund, status, settles: null })
  if (status === 'failed') {
    const payment = mustGet(runtime.store.payments, refund.payment)
    move(runtime, payment, 'refund_failed', 'buyer', 'merchant', refund.amount)
    changeRefunded(runtime, payment, -refund.amount)
    announce(runtime, { type: 'refund.failed', state }, null, { status: refund.status })
  }
  announce(runtime, { type: 'refund.updated', state }, null, { status: refund.status })
  return state
}

/** The buyer's bank takes back what is left of the payment. Throws for a payment without money, or disputed before. */
export function openDispute(runtime: Runtime, payment: Payment): Dispute {
  const amount = payment.amount - payment.amount_refunded
  if (payment.status !== 'succeeded' || payment.disputed || amount === 0) {
    throw requestRefusal(
      'Only a payment that succeeded, is not refunded and was never disputed can be disputed.',
    )
  }
  const state = put<Dispute>(runtime, {
    kind: 'dispute',
    id: newId('du_'),
    created: runtime.clock.seconds(),
    payment: payment.id,
    amount,
    currency: payment.currency,
    status: 'needs_response',
  })
  move(runtime, payment, 'dispute', 'merchant', 'disputed', amount)
  put<Payment>(runtime, { ...payment, disputed: true })
  announce(runtime, { type: 'charge.dispute.created', state })
  return state
}

/** Won: the money comes back. Lost: it is gone. Throws for a dispute that was closed before. */
export function closeDispute(runtime: Runtime, dispute: Dispute, won: boolean): Dispute {
  if (dispute.status !== 'needs_response') throw requestRefusal(`This dispute is ${dispute.status}.`)
  const state = put<Dispute>(runtime, { ...dispute, status: won ? 'won' : 'lost' })
  const payment = mustGet(runtime.store.payments, dispute.payment)
  if (won) move(runtime, payment, 'dispute_won', 'disputed', 'merchant', dispute.amount)
  announce(runtime, { type: 'charge.dispute.closed', state }, null, { status: dispute.status })
  return state
}

function refundable(payment: Payment, wanted: number | null): number {
  const { amount, amount_refunded, currency, status } = payment
  if (status !== 'succeeded') {
    throw requestRefusal(
      `This PaymentIntent (${payment.id}) does not have a successful charge to refund.`,
      'payment_intent_unexpected_state',
    )
  }
  if (payment.disputed) {
    throw requestRefusal(
      `Charge ${chargeId(payment)} has been charged back; cannot issue a refund.`,
      'charge_disputed',
    )
  }
  const left = amount - amount_refunded
  if (left === 0) {
    throw requestRefusal(`Charge ${chargeId(payment)} has already been refunded.`, 'charge_already_refunded')
  }
  if ((wanted ?? left) <= left) return wanted ?? left
  const [asked, most] = [amountText(wanted ?? left, currency), amountText(left, currency)]
  const message = `Refund amount (${asked}) is greater than unrefunded amount on charge (${most})`
  throw requestRefusal(message, undefined, 'amount')
}

function settlement(runtime: Runtime, course: RefundCourse | 'pending'): Refund['settles'] {
  const at = runtime.clock.now() + runtime.clock.span(REFUND_S)
  if (course === 'succeed_later') return { at, status: 'succeeded' }
  return course === 'fail_later' ? { at, status: 'failed' } : null
}

function changeRefunded(runtime: Runtime, payment: Payment, by: number): Payment {
  return put<Payment>(runtime, { ...payment, amount_refunded: payment.amount_refunded + by })
}

function move(
  runtime: Runtime,
  { id, currency }: Payment,
  cause: Movement['cause'],
  from: Account,
  to: Account,
  amount: number,
): void {
  runtime.record({ is: 'moved', movement: { payment: id, cause, from, to, amount, currency } })
}
