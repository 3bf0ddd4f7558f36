import type { Operation } from '../format.ts'
import { type Lookup, MADE, MAKING_VERBS, type MakingVerb, passOf, type Wish } from '../lookup.ts'
import { type Checker, found, type Witness, witnessOf } from './checker.ts'

/** What an order is that was never sold: nobody has anything of it. */
const WORTH_NOTHING: ReadonlySet<string> = new Set(['expired', 'cancelled'])

/** No phantom effect: what was surely refused, each time it was asked for, left nothing. */
export const refusedAbsent: Checker = {
  name: 'refused-absent',
  promise: 'no definitely refused operation is in the ledger',
  what: 'refused operations',
  look: (lookup) => {
    const made = MAKING_VERBS.flatMap((verb) =>
      lookup.wishes(verb).flatMap((wish) => (isRefused(wish) ? [{ verb, wish }] : [])),
    )
    const reservations = lookup.reservations.filter(({ effective }) => effective.length === 0)
    const scans = refusedScans(lookup)
    const wrong = [
      ...made.map(({ verb, wish }) => madeAfterAll(verb, wish, lookup)),
      ...reservations.map((wish) => heldAfterAll(wish, lookup)),
      ...scans.map((operations) => admittedAfterAll(operations, lookup)),
    ].filter((witness) => witness !== undefined)
    return found(made.length + reservations.length + scans.length, wrong)
  },
}

function isRefused({ effective, operations }: Wish): boolean {
  return effective.length === 0 && operations[0]?.key !== undefined
}

function madeAfterAll(verb: MakingVerb, { operations }: Wish, { ledger }: Lookup): Witness | undefined {
  const kind = MADE[verb]
  const rows = ledger
    .byKey(kind, operations[0]?.key ?? '')
    .filter(({ row, status }) => row !== 'order' || !WORTH_NOTHING.has(status))
  return rows.length === 0
    ? undefined
    : witnessOf(`it was refused, and the ledger has the ${kind} under its key`, operations, rows)
}

function heldAfterAll({ operations }: Wish, { ledger }: Lookup): Witness | undefined {
  const session = operations[0]?.asked.session
  const holds = session === undefined ? [] : ledger.holdsOfSession(session)
  return holds.length === 0
    ? undefined
    : witnessOf('it was refused, and the session has a hold', operations, holds)
}

/** A code at a device that was refused each time. */
function refusedScans({ operations }: Lookup): readonly (readonly Operation[])[] {
  const scans = operations.filter(
    (scan) => scan.operation === 'scan' && scan.asked.device !== undefined && passOf(scan) !== undefined,
  )
  const grouped = Map.groupBy(scans, (scan) => `${passOf(scan)} ${scan.asked.device}`)
  return [...grouped.values()].filter((all) => all.every(({ outcome }) => outcome === 'refused'))
}

function admittedAfterAll(operations: readonly Operation[], { ledger }: Lookup): Witness | undefined {
  const [first] = operations
  const ticket = (first && passOf(first)) ?? ''
  const scans = ledger.scansOfTicket(ticket).filter(({ device }) => device === first?.asked.device)
  return scans.length === 0
    ? undefined
    : witnessOf('the device was refused, and its scan opened the gate', operations, scans)
}
