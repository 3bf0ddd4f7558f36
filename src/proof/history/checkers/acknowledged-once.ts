import type { Operation } from '../format.ts'
import type { Ledger, Lookup, Wish } from '../lookup.ts'
import { type Checker, judged, type Witness, witnessOf } from './checker.ts'

/** Durability (set-full of Jepsen): what was told done is there, and is there once. */
export const acknowledgedOnce: Checker = {
  name: 'acknowledged-once',
  promise: 'every acknowledged operation is in the ledger exactly once',
  judge: (lookup) => {
    const orders = lookup.checkouts.filter(({ acknowledged }) => acknowledged.length > 0)
    const others = lookup.history.operations.filter(
      ({ operation, outcome }) => outcome === 'ok' && operation !== 'checkout' && operation !== 'watch',
    )
    const wrong = [
      ...orders.map((wish) => orderFault(wish, lookup.of(wish.database))),
      ...others.map((operation) => effectFault(operation, lookup.of(operation.database))),
      ...refundedTwice(lookup),
    ].filter((witness) => witness !== undefined)
    return judged(orders.length + others.length, 'acknowledged operations', wrong)
  },
}

function orderFault({ operations, acknowledged }: Wish, ledger: Ledger): Witness | undefined {
  const [first] = acknowledged
  const id = first?.answered.order
  if (first === undefined || id === undefined)
    return witnessOf('it was told done, and names no order', acknowledged)
  const ids = new Set(acknowledged.map(({ answered }) => answered.order))
  if (ids.size > 1) return witnessOf('one key was answered with several orders', acknowledged)
  const rows = new Set([
    ...ledger.byId('order', id),
    ...(first.key === undefined ? [] : ledger.ordersByKey(first.key)),
  ])
  const [order] = rows
  if (order === undefined) return witnessOf('the order was acknowledged, and is not there', operations)
  if (rows.size > 1)
    return witnessOf('what was acknowledged once is there several times', operations, [...rows])
  if (order.status !== 'paid') return undefined
  const tickets = ledger.ofOrder('ticket', id)
  const isIssued = Object.entries(first.asked.tiers ?? {}).every(
    ([tier, quantity]) => tickets.filter((ticket) => ticket.tier === tier).length === quantity,
  )
  return isIssued
    ? undefined
    : witnessOf('a paid order has not the tickets that it is about', operations, [order, ...tickets])
}

/** Of an operation that changes something which is there: how often the ledger has that. */
function effectFault(operation: Operation, ledger: Ledger): Witness | undefined {
  const { asked, answered } = operation
  const wrong = (what: string) => witnessOf(what, [operation])
  switch (operation.operation) {
    case 'reserve': {
      const lost = (answered.holds ?? []).some((hold) => ledger.byId('hold', hold).length !== 1)
      return lost ? wrong('the hold was acknowledged, and is not there once') : undefined
    }
    case 'release': {
      const holds = ledger.holdsOfSession(asked.session ?? '')
      const isDone = (answered.released ?? 0) === 0 || holds.some(({ status }) => status === 'released')
      return isDone
        ? undefined
        : wrong('the release was acknowledged, and no hold of the session is released')
    }
    case 'pay': {
      const payments = ledger.ofOrder('payment', asked.order ?? '')
      if (payments.length === 0) return wrong('the payment was taken, and is not in the books')
      const kept = payments.filter(({ status }) => status === 'kept')
      return kept.length > 1 ? witnessOf('an order keeps several payments', [operation], kept) : undefined
    }
    case 'refund':
      return ledger.ofOrder('refund', asked.order ?? '').length > 0
        ? undefined
        : wrong('the refund was acknowledged, and is not there')
    case 'cancel': {
      const isCancelled = ledger.byId('event', asked.event ?? '').some(({ status }) => status === 'cancelled')
      return isCancelled
        ? undefined
        : wrong('the cancellation was acknowledged, and the event is not cancelled')
    }
    case 'scan': {
      const ticket = answered.ticket ?? asked.ticket
      // Of a claim or a booking there is no row here.
      if (ticket === undefined || ledger.scansOfTicket(ticket).length > 0) return undefined
      return wrong('the gate opened, and no scan is there')
    }
    case 'checkout':
    case 'watch':
      return undefined
  }
}

function refundedTwice({ history }: Lookup): Witness[] {
  const seen = new Map<string, (typeof history.rows)[number]>()
  return history.rows.flatMap((row) => {
    if (row.row !== 'refund' || row.status !== 'succeeded') return []
    const twice = row.tickets.map((ticket) => seen.get(ticket)).find((other) => other !== undefined)
    for (const ticket of row.tickets) seen.set(ticket, row)
    return twice === undefined ? [] : [witnessOf('a ticket was refunded twice', [], [twice, row])]
  })
}
