import type { LedgerRow, Operation, RowOf } from '../format.ts'
import { type Lookup, MADE, MAKING_VERBS, type MadeKind, type MakingVerb, type Wish } from '../lookup.ts'
import { type Checker, found, type Witness, witnessOf } from './checker.ts'

/** Durability (set-full of Jepsen): what was told done is there, and is there once. */
export const acknowledgedOnce: Checker = {
  name: 'acknowledged-once',
  promise: 'every acknowledged operation is in the ledger exactly once',
  what: 'acknowledged operations',
  look: (lookup) => {
    const made = MAKING_VERBS.flatMap((verb) =>
      lookup.wishes(verb).flatMap((wish) => (wish.acknowledged.length > 0 ? [{ verb, wish }] : [])),
    )
    const others = lookup.operations.filter(
      ({ operation, outcome }) => outcome === 'ok' && operation !== 'watch' && !(operation in MADE),
    )
    const wrong = [
      ...made.map(({ verb, wish }) => makingFault(verb, wish, lookup)),
      ...others.map((operation) => effectFault(operation, lookup)),
      ...refundedTwice(lookup),
    ].filter((witness) => witness !== undefined)
    return found(made.length + others.length, wrong)
  },
}

function makingFault(
  verb: MakingVerb,
  { operations, acknowledged }: Wish,
  lookup: Lookup,
): Witness | undefined {
  const kind = MADE[verb]
  const [first] = acknowledged
  const id = first?.answered[kind]
  if (first === undefined || id === undefined)
    return witnessOf(`it was told done, and names no ${kind}`, acknowledged)
  const ids = new Set(acknowledged.map(({ answered }) => answered[kind]))
  if (ids.size > 1) return witnessOf(`one key was answered with several ${kind}s`, acknowledged)
  const rows = new Set<RowOf<MadeKind>>([
    ...lookup.ledger.byId(kind, id),
    ...(first.key === undefined ? [] : lookup.ledger.byKey(kind, first.key)),
  ])
  const [row] = rows
  if (row === undefined) return witnessOf(`the ${kind} was acknowledged, and is not there`, operations)
  if (rows.size > 1)
    return witnessOf('what was acknowledged once is there several times', operations, [...rows])
  return row.row === 'order' ? ticketFault(row, first, lookup) : partyFault(row, first, lookup)
}

function ticketFault(order: RowOf<'order'>, operation: Operation, { ledger }: Lookup): Witness | undefined {
  if (order.status !== 'paid') return undefined
  const tickets = ledger.ofOrder('ticket', order.id)
  const isIssued = Object.entries(operation.asked.tiers ?? {}).every(
    ([tier, quantity]) => tickets.filter((ticket) => ticket.tier === tier).length === quantity,
  )
  return isIssued
    ? undefined
    : witnessOf('a paid order has not the tickets that it is about', [operation], [order, ...tickets])
}

/** Of a claim some places may be given back, and then it is smaller. */
function partyFault(
  row: RowOf<'claim' | 'booking'>,
  operation: Operation,
  lookup: Lookup,
): Witness | undefined {
  const { party } = operation.asked
  if (party === undefined || row.party === party) return undefined
  if (row.party < party && lookup.endingsOf(row).length > 0) return undefined
  return witnessOf(`the ${row.row} is not for the party that it was asked for`, [operation], [row])
}

/** Of an operation that changes something which is there: how often the ledger has that. */
function effectFault(operation: Operation, lookup: Lookup): Witness | undefined {
  const { ledger } = lookup
  const { asked, answered } = operation
  const wrong = (what: string, rows: readonly LedgerRow[] = []) => witnessOf(what, [operation], rows)
  switch (operation.operation) {
    case 'reserve': {
      const lost = (answered.holds ?? []).some((hold) => ledger.byId('hold', hold).length !== 1)
      return lost ? wrong('the hold was acknowledged, and is not there once') : undefined
    }
    case 'release':
      return releaseFault(operation, lookup)
    case 'pay': {
      const payments = ledger.ofOrder('payment', asked.order ?? '')
      if (payments.length === 0) return wrong('the payment was taken, and is not in the books')
      const kept = payments.filter(({ status }) => status === 'kept')
      return kept.length > 1 ? wrong('an order keeps several payments', kept) : undefined
    }
    case 'refund':
      return ledger.ofOrder('refund', asked.order ?? '').length > 0
        ? undefined
        : wrong('the refund was acknowledged, and is not there')
    case 'cancel': {
      const [row, ended] = cancelled(asked, lookup)
      return row?.status === ended
        ? undefined
        : wrong('the cancellation was acknowledged, and is not done', row === undefined ? [] : [row])
    }
    case 'scan':
      return entryFault(operation, lookup)
    case 'checkout':
    case 'claim':
    case 'book':
    case 'watch':
      return undefined
  }
}

function releaseFault(operation: Operation, { ledger, wishOf }: Lookup): Witness | undefined {
  const { asked, answered } = operation
  if (asked.claim !== undefined) {
    const [claim] = ledger.byId('claim', asked.claim)
    const before = (claim && wishOf(claim)?.effective[0]?.asked.party) ?? 0
    // A part of it may have been meant.
    if (claim !== undefined && (claim.status === 'released' || claim.party < before)) return undefined
    const rows = claim === undefined ? [] : [claim]
    return witnessOf('the release was acknowledged, and the claim is not released', [operation], rows)
  }
  const holds = ledger.holdsOfSession(asked.session ?? '')
  const isDone = (answered.released ?? 0) === 0 || holds.some(({ status }) => status === 'released')
  return isDone
    ? undefined
    : witnessOf('the release was acknowledged, and no hold of the session is released', [operation])
}

/** What was to be cancelled, and what it is then. */
export function cancelled(
  { booking, order, event }: Operation['asked'],
  { ledger }: Lookup,
): readonly [row: RowOf<'booking' | 'order' | 'event'> | undefined, ended: string] {
  if (booking !== undefined) return [ledger.byId('booking', booking)[0], 'cancelled']
  if (order !== undefined) return [ledger.byId('order', order)[0], 'expired']
  return [event === undefined ? undefined : ledger.byId('event', event)[0], 'cancelled']
}

/** A ticket has a scan, a claim or a booking a status. */
function entryFault(operation: Operation, { ledger }: Lookup): Witness | undefined {
  const { asked, answered } = operation
  const { claim, booking, ticket = asked.ticket } = answered
  const isIn =
    (claim === undefined || ledger.byId('claim', claim)[0]?.status === 'redeemed') &&
    (booking === undefined || ledger.byId('booking', booking)[0]?.status === 'checked_in') &&
    (ticket === undefined || ledger.scansOfTicket(ticket).length > 0)
  return isIn ? undefined : witnessOf('the gate opened, and no scan is there', [operation])
}

function refundedTwice({ rows }: Lookup): Witness[] {
  const seen = new Map<string, LedgerRow>()
  return rows.flatMap((row) => {
    if (row.row !== 'refund' || row.status !== 'succeeded') return []
    const twice = row.tickets.map((ticket) => seen.get(ticket)).find((other) => other !== undefined)
    for (const ticket of row.tickets) seen.set(ticket, row)
    return twice === undefined ? [] : [witnessOf('a ticket was refunded twice', [], [twice, row])]
  })
}
