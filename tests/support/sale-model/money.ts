import { endOrder, issue } from './buying.ts'
import {
  end,
  freeIn,
  isAlive,
  isAuto,
  isKept,
  itemsOf,
  type Order,
  type Outcome,
  owedOf,
  type Payment,
  pendingOf,
  priceOf,
  type Refund,
  type ReturnReason,
  type Sale,
  sendingOf,
  standOf,
  type Ticket,
  totalOf,
} from './sale.ts'

/** What payments, refunds and staff do to an order. Each answers what the verb does. */

/** Its session is paid, in whatever amount. */
export function pay(sale: Sale, order: Order, amount: number): Outcome {
  order.session = 'complete'
  const reason = returnReason(sale, order, amount) ?? (hasRoom(sale, order) ? undefined : 'TOO_LATE')
  order.payments.push({ amount, reason })
  if (reason === undefined) {
    issue(sale, order)
    return { outcome: 'ISSUED' }
  }
  endOrder(sale, order)
  settle(sale, order)
  return { outcome: 'RETURNED', reason }
}

export const paidAgain = ({ reason }: Payment): Outcome =>
  reason === undefined ? { outcome: 'ALREADY_ISSUED' } : { outcome: 'RETURNED', reason }

function returnReason(sale: Sale, order: Order, amount: number): ReturnReason | undefined {
  if (order.payments.some(isKept)) return 'SECOND_PAYMENT'
  if (amount !== totalOf(order)) return 'AMOUNT_MISMATCH'
  return sale.cancellation === undefined ? undefined : 'EVENT_CANCELLED'
}

/** Room for all of it, its own holds included; what is due gives way where a tier is too full. */
function hasRoom(sale: Sale, order: Order): boolean {
  return itemsOf(order.cart).every(([tier, quantity]) => {
    const room = () =>
      freeIn(sale, tier) +
      sale.holds.reduce(
        (all, its) => (its.order === order && its.tier === tier ? all + its.quantity : all),
        0,
      )
    if (room() < quantity) end(sale, (its) => its.tier === tier && its.isDue)
    return room() >= quantity
  })
}

/** The provider ends its session without money. */
export function endSession(sale: Sale, order: Order): Outcome {
  if (order.session === 'complete') return { outcome: 'NO_CHANGE' }
  order.session = 'expired'
  if (order.status !== 'pending') return { outcome: 'NO_CHANGE' }
  endOrder(sale, order)
  return { outcome: 'EXPIRED' }
}

/** A payment that needs days is authorised: what is held waits for it. */
export function authorise(sale: Sale, order: Order): Outcome {
  const isWaiting = order.status === 'pending'
  order.session = 'complete'
  if (!isWaiting) return { outcome: 'NO_CHANGE' }
  order.isLate = false
  for (const its of sale.holds) if (its.order === order) its.isDue = false
  return { outcome: 'AWAITING_PAYMENT' }
}

/** It did not come. */
export function failPayment(sale: Sale, order: Order): Outcome {
  if (order.status !== 'pending') return { outcome: 'NO_CHANGE' }
  order.session = 'complete'
  endOrder(sale, order)
  return { outcome: 'EXPIRED' }
}

/** Its buyer gives it up. */
export function cancelOrder(order: Order): string {
  if (order.tickets.length > 0) return 'ORDER_PAID'
  if (order.status !== 'pending') return 'expired'
  if (order.session === 'complete') return 'PAYMENT_UNDER_WAY'
  giveUp(order)
  return 'pending'
}

/** Its places wait until the provider has ended the session, or for the payment that was authorised. */
export function giveUp(order: Order): void {
  order.isGivenUp = true
  if (order.session !== 'complete') order.isLate = true
}

/** What follows from the facts of an order, whatever happened. */
function settle(sale: Sale, order: Order): void {
  for (const payment of order.payments) queueOwed(sale, order, payment)
  if (order.tickets.length > 0) order.status = statusOf(order)
}

function statusOf(order: Order): Order['status'] {
  const kept = order.payments.find(isKept)
  const { sent, amount, pending } =
    kept === undefined
      ? { sent: 0, amount: 0, pending: 0 }
      : { ...standOf(order, kept), pending: pendingOf(standOf(order, kept)) }
  const has = (...statuses: Ticket['status'][]) =>
    order.tickets.some(({ status }) => statuses.includes(status))
  const isLiving = has('valid', 'used', 'refunding')
  if (amount > 0 && sent >= amount) return 'refunded'
  if (!isLiving && has('refunded') && pending === 0) return 'refunded'
  if (!isLiving && !has('refunded')) return 'cancelled'
  return sent > 0 || (has('refunded') && pending === 0) ? 'partially_refunded' : 'paid'
}

const TRIES_MAX = 10

/** At most one refund at a time of what is owed; one that nobody took up follows what is owed. */
function queueOwed(sale: Sale, order: Order, payment: Payment, isAsked = false): Refund | undefined {
  const owed = owedOf(order, payment)
  const its = order.refunds.filter((refund) => refund.payment === payment && isAuto(refund))
  const waiting = its.find(isAlive)
  if (waiting !== undefined) {
    if (waiting.status !== 'queued' || waiting.asked > 0) return waiting
    if (waiting.amount + owed <= 0) order.refunds = order.refunds.filter((refund) => refund !== waiting)
    else waiting.amount += owed
    return waiting
  }
  const failed = its.filter(({ status }) => status === 'failed').length
  if (owed <= 0 || (!isAsked && failed >= TRIES_MAX)) return undefined
  return add(sale, order, {
    payment,
    amount: owed,
    cause: payment.reason ?? 'OWED',
    status: 'queued',
    tickets: [],
  })
}

function add(
  sale: Sale,
  order: Order,
  refund: Pick<Refund, 'payment' | 'amount' | 'cause' | 'status' | 'tickets'>,
): Refund {
  const made: Refund = { ...refund, isKnown: false, asked: 0, madeAt: sale.now, doneAt: sale.now }
  order.refunds.push(made)
  return made
}

export interface RefundAnswer {
  readonly error?: string
  readonly status?: string
  readonly amount?: number
}

/** Staff sends tickets back, all where none is named. */
export function refund(
  sale: Sale,
  order: Order,
  named: readonly Ticket[] | undefined,
  isForced: boolean,
): RefundAnswer {
  if (order.tickets.length === 0) return { error: 'ORDER_NOT_PAID' }
  const tickets = (named ?? order.tickets).filter(({ status }) => status === 'valid' || status === 'used')
  if (!isForced && tickets.some(({ status }) => status === 'used')) return { error: 'TICKET_USED' }
  const kept = order.payments.find(isKept)
  if (tickets.length === 0) return refundAgain(sale, order, kept)
  const left = kept === undefined ? 0 : kept.amount - standOf(order, kept).sent - sendingOf(order, kept)
  const amount = Math.max(0, Math.min(priceOf(tickets), left))
  const status = amount === 0 ? 'succeeded' : 'queued'
  add(sale, order, { payment: kept, amount, cause: 'staff', status, tickets })
  for (const ticket of tickets) ticket.status = amount === 0 ? 'refunded' : 'refunding'
  settle(sale, order)
  return { status, amount }
}

/** Money that came back so often that nobody sends it any more goes once more. */
function refundAgain(sale: Sale, order: Order, kept: Payment | undefined): RefundAnswer {
  const again = kept !== undefined && owedOf(order, kept) > 0 ? queueOwed(sale, order, kept, true) : undefined
  if (again === undefined || again.asked > 0) return { error: 'ALREADY_REFUNDED' }
  return { status: 'queued', amount: again.amount }
}

/** The job takes up all that is to be sent or to be asked about. */
export function takeUp({ orders }: Sale): Refund[] {
  const due = orders.flatMap(({ refunds }) => refunds.filter(isAlive))
  for (const refund of due) refund.asked++
  return due
}

/** The provider refuses it before it has it. Answers how it stands. */
export function refuse(sale: Sale, order: Order, refund: Refund): string {
  if (refund.status === 'queued') fail(sale, order, refund)
  return refund.status
}

export type Told = 'succeeded' | 'pending' | 'failed'

/** The provider says how it stands. */
export function tell(sale: Sale, order: Order, refund: Refund, told: Told): string {
  // It was believed refused, and the provider has it.
  if (told !== 'failed' && refund.status === 'failed' && !refund.isKnown) revive(refund)
  refund.isKnown = true
  if (told === 'succeeded' && isAlive(refund)) {
    succeed(sale, order, refund)
    return 'REFUNDED'
  }
  if (told === 'failed' && refund.status !== 'failed') {
    fail(sale, order, refund)
    return 'REFUND_FAILED'
  }
  if (told === 'pending' && isAlive(refund)) {
    refund.status = 'pending'
    refund.asked = 0
    settle(sale, order)
    return 'PENDING'
  }
  return 'NO_CHANGE'
}

function revive(refund: Refund): void {
  refund.status = 'pending'
  if (refund.cause !== 'staff') refund.cause = 'dashboard'
  for (const ticket of refund.tickets) if (ticket.status === 'valid') ticket.status = 'refunding'
}

/** A person sends money back at the provider. */
export function sendByHand(sale: Sale, order: Order, payment: Payment, amount: number): string {
  const made = add(sale, order, { payment, amount, cause: 'dashboard', status: 'pending', tickets: [] })
  return tell(sale, order, made, 'succeeded')
}

function succeed(sale: Sale, order: Order, refund: Refund): void {
  refund.status = 'succeeded'
  refund.doneAt = sale.now
  for (const ticket of refund.tickets) if (ticket.status === 'refunding') ticket.status = 'refunded'
  takeReturned(order, refund.payment)
  settle(sale, order)
}

/** The money did not go, and its tickets are the buyer's again; or it came back, and is owed. */
function fail(sale: Sale, order: Order, refund: Refund): void {
  const wasSent = refund.status === 'succeeded'
  refund.status = 'failed'
  refund.doneAt = sale.now
  const isSentBeside = (ticket: Ticket) =>
    order.refunds.some(({ status, tickets }) => status !== 'failed' && tickets.includes(ticket))
  if (!wasSent)
    for (const ticket of refund.tickets)
      if (ticket.status === 'refunding' && !isSentBeside(ticket))
        ticket.status = ticket.scan === 'counts' ? 'used' : 'valid'
  takeReturned(order, refund.payment)
  settle(sale, order)
}

/** All of a payment went back: whoever was not scanned does not come in. */
function takeReturned(order: Order, payment: Payment | undefined): void {
  if (payment === undefined || !isKept(payment) || standOf(order, payment).sent < payment.amount) return
  const valid = order.tickets.filter(({ status }) => status === 'valid')
  for (const ticket of valid) ticket.status = 'refunded'
  const last = order.refunds
    .filter((refund) => refund.payment === payment && refund.status === 'succeeded')
    .reduce<Refund | undefined>((one, other) => ((one?.doneAt ?? -1) > other.doneAt ? one : other), undefined)
  if (last !== undefined) last.tickets = [...last.tickets, ...valid]
}

/** Staff takes tickets out of use, all that were not scanned where none is named. Answers its code. */
export function voidTickets(
  sale: Sale,
  order: Order,
  named: readonly Ticket[] | undefined,
  isFree: boolean,
): string {
  if (order.tickets.length === 0) return 'ORDER_NOT_PAID'
  if (named?.some(({ status }) => status === 'used')) return 'TICKET_USED'
  const tickets = (named ?? order.tickets).filter(({ status }) => status === 'valid')
  if (tickets.length === 0) return 'ALREADY_VOID'
  for (const ticket of tickets) ticket.status = isFree ? 'cancelled' : 'void'
  settle(sale, order)
  return 'success'
}
