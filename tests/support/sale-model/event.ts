import { giveUp, refund } from './money.ts'
import { type Cancellation, isAlive, type Order, type Sale, type Ticket } from './sale.ts'

/** What the gate and the end of the whole event do to a sale. */

export interface ScanAnswer {
  readonly success: boolean
  readonly already_scanned: boolean
}

/** From cancel_event on nobody comes in any more. */
export function scan(sale: Sale, ticket: Ticket): ScanAnswer {
  const isAdmitted = ticket.status === 'valid' && sale.cancellation === undefined
  const answer = { success: isAdmitted, already_scanned: ticket.status === 'used' }
  if (isAdmitted) {
    ticket.status = 'used'
    ticket.scan = 'counts'
  }
  return answer
}

/** Takes back the last scan that opened; one that was taken back is the answer again. */
export function undo(ticket: Ticket): { readonly error?: string; readonly replayed?: boolean } {
  if (ticket.scan === 'none') return { error: 'NOT_SCANNED' }
  if (ticket.scan === 'undone') return { replayed: true }
  if (ticket.status !== 'used') return { error: 'INVALID_STATUS' }
  ticket.status = 'valid'
  ticket.scan = 'undone'
  return { replayed: false }
}

export interface Progress {
  readonly orders: number
  readonly left: number
  readonly pending: number
  readonly returning: number
  readonly returned: number
  readonly failed: number
  readonly done: boolean
}

/** Calls the event off, or goes on with it. */
export function cancelEvent(sale: Sale, isForced: boolean): Progress {
  const before = sale.cancellation
  // Only what was refused before this call is asked for again.
  const goesOn = before !== undefined && sale.orders.some((order) => isToCancel(order, before))
  const now: Cancellation = {
    isForced: isForced || before?.isForced === true,
    askedAt: before !== undefined && goesOn ? before.askedAt : sale.now,
  }
  sale.cancellation = now
  for (const order of sale.orders.filter((each) => isToCancel(each, now)))
    if (order.status === 'pending') giveUp(order)
    else refund(sale, order, order.tickets.filter(goesBack(now)), now.isForced)
  return progressOf(sale, now)
}

const goesBack =
  ({ isForced }: Cancellation) =>
  ({ status }: Ticket) =>
    status === 'valid' || (isForced && status === 'used')

const wasRefused = ({ refunds }: Order, { askedAt }: Cancellation) =>
  refunds.some(({ status, madeAt }) => status === 'failed' && madeAt >= askedAt)

function isToCancel(order: Order, cancellation: Cancellation): boolean {
  if (order.status === 'pending') return !order.isGivenUp
  return order.tickets.some(goesBack(cancellation)) && !wasRefused(order, cancellation)
}

function progressOf({ orders }: Sale, cancellation: Cancellation): Progress {
  const its = orders.filter(({ status, tickets }) => status === 'pending' || tickets.length > 0)
  const count = (is: (order: Order) => boolean) => its.filter(is).length
  const isReturning = ({ refunds }: Order) => refunds.some(isAlive)
  const left = count((order) => isToCancel(order, cancellation))
  const pending = count((order) => order.status === 'pending' && !isToCancel(order, cancellation))
  const returning = count(isReturning)
  return {
    orders: its.length,
    left,
    pending,
    returning,
    returned: count((order) => order.status === 'refunded' && !isReturning(order)),
    failed: count((order) => wasRefused(order, cancellation) && order.tickets.some(goesBack(cancellation))),
    done: left + pending + returning === 0,
  }
}
