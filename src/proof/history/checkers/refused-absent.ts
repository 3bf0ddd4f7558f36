import type { Lookup, Wish } from '../lookup.ts'
import { type Checker, judged, type Witness, witnessOf } from './checker.ts'

/** What an order is that was never sold: nobody has anything of it. */
const WORTH_NOTHING: ReadonlySet<string> = new Set(['expired', 'cancelled'])

/** No phantom effect: what was surely refused, each time it was asked for, left nothing. */
export const refusedAbsent: Checker = {
  name: 'refused-absent',
  promise: 'no definitely refused operation is in the ledger',
  judge: (lookup) => {
    const checkouts = lookup.checkouts.filter(
      ({ effective, operations }) => effective.length === 0 && operations[0]?.key !== undefined,
    )
    const reservations = lookup.reservations.filter(({ effective }) => effective.length === 0)
    const scans = refusedScans(lookup)
    const wrong = [
      ...checkouts.map((wish) => soldAfterAll(wish, lookup)),
      ...reservations.map((wish) => heldAfterAll(wish, lookup)),
      ...scans.map((wish) => admittedAfterAll(wish, lookup)),
    ].filter((witness) => witness !== undefined)
    return judged(checkouts.length + reservations.length + scans.length, 'refused operations', wrong)
  },
}

function soldAfterAll({ operations, database }: Wish, lookup: Lookup): Witness | undefined {
  const orders = lookup
    .of(database)
    .ordersByKey(operations[0]?.key ?? '')
    .filter(({ status }) => !WORTH_NOTHING.has(status))
  return orders.length === 0
    ? undefined
    : witnessOf('it was refused, and there is an order under its key', operations, orders)
}

function heldAfterAll({ operations, database }: Wish, lookup: Lookup): Witness | undefined {
  const session = operations[0]?.asked.session
  const holds = session === undefined ? [] : lookup.of(database).holdsOfSession(session)
  return holds.length === 0
    ? undefined
    : witnessOf('it was refused, and the session has a hold', operations, holds)
}

/** A ticket at a device that was refused each time. */
function refusedScans({ history }: Lookup): readonly Pick<Wish, 'operations' | 'database'>[] {
  const scans = history.operations.filter(
    ({ operation, asked, answered }) =>
      operation === 'scan' && asked.device !== undefined && (answered.ticket ?? asked.ticket) !== undefined,
  )
  const grouped = Map.groupBy(
    scans,
    ({ database, asked, answered }) => `${database} ${answered.ticket ?? asked.ticket} ${asked.device}`,
  )
  return [...grouped.values()]
    .filter((operations) => operations.every(({ outcome }) => outcome === 'refused'))
    .map((operations) => ({ operations, database: operations[0]?.database ?? '' }))
}

function admittedAfterAll(
  { operations, database }: Pick<Wish, 'operations' | 'database'>,
  lookup: Lookup,
): Witness | undefined {
  const [first] = operations
  const ticket = first?.answered.ticket ?? first?.asked.ticket ?? ''
  const scans = lookup
    .of(database)
    .scansOfTicket(ticket)
    .filter(({ device }) => device === first?.asked.device)
  return scans.length === 0
    ? undefined
    : witnessOf('the device was refused, and its scan opened the gate', operations, scans)
}
