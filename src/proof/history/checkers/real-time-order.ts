import type { LedgerRow, Operation } from '../format.ts'
import { type Lookup, MADE, passOf, returnOf, type Wish } from '../lookup.ts'
import { type Checker, found, type Witness, witnessOf } from './checker.ts'

/**
 * Strict serializability, by a witness: the ledger's own sequence is the order in which things happened, so that nothing may
 * stand before what had ended when it began. One running maximum of the calls, O(n); no search.
 */
export const realTimeOrder: Checker = {
  name: 'real-time-order',
  promise: 'the ledger’s sequence is an order in which it can have happened',
  what: 'operations in sequence',
  look: (lookup) => {
    const sequences = sequencesOf(lookup)
    const told = toldBeforeItWas(lookup)
    return found(
      sequences.reduce((sum, steps) => sum + steps.length, told.looked),
      [...sequences.flatMap(outOfOrder), ...told.wrong],
    )
  },
}

interface Step {
  readonly row: LedgerRow
  readonly call: number
  readonly return: number
  readonly operations: readonly Operation[]
}

function sequencesOf({ ledger, wishOf, reservationOf }: Lookup): readonly (readonly Step[])[] {
  const inOrder = <Row extends { sequence: number }>(rows: readonly Row[]) =>
    rows.toSorted((one, other) => one.sequence - other.sequence)
  const made = Object.values(MADE).map((kind) =>
    inOrder(ledger.rows(kind)).flatMap((row) => stepOf(row, wishOf(row))),
  )
  return [...made, inOrder(ledger.rows('hold')).flatMap((row) => stepOf(row, reservationOf(row)))]
}

function stepOf(row: LedgerRow, wish: Wish | undefined): readonly Step[] {
  return wish === undefined || wish.effective.length === 0
    ? []
    : [{ row, ...wish, operations: wish.effective }]
}

function outOfOrder(steps: readonly Step[]): readonly Witness[] {
  let latest: Step | undefined
  return steps.flatMap((step) => {
    const before = latest
    if (latest === undefined || step.call > latest.call) latest = step
    if (before === undefined || step.return >= before.call) return []
    return [
      witnessOf(
        'the second one had ended before the first one began, and stands behind it',
        [...before.operations.slice(0, 1), ...step.operations.slice(0, 1)],
        [before.row, step.row],
      ),
    ]
  })
}

/** "Already scanned" is an answer about somebody who had begun to come in. */
function toldBeforeItWas({ operations, ledger }: Lookup): {
  readonly looked: number
  readonly wrong: readonly Witness[]
} {
  const scans = operations.filter((scan) => scan.operation === 'scan' && passOf(scan) !== undefined)
  const entries = Map.groupBy(
    scans.filter(({ outcome }) => outcome !== 'refused'),
    passOf,
  )
  const told = scans.filter(({ code, outcome }) => outcome === 'refused' && code === 'ALREADY_USED')
  const known = told.filter((scan) => entries.has(passOf(scan)))
  const wrong = known.flatMap((scan) => {
    const all = entries.get(passOf(scan)) ?? []
    // Somebody else's scan, an offline gate's, is not in the history.
    const isOurs = ledger
      .scansOfTicket(passOf(scan) ?? '')
      .every(({ device }) => all.some(({ asked }) => asked.device === device))
    const [first] = all.toSorted((one, other) => one.call - other.call)
    if (!isOurs || first === undefined || returnOf(scan) >= first.call) return []
    return [witnessOf('it was told "already scanned" before anybody had begun to scan it', [scan, first])]
  })
  return { looked: known.length, wrong }
}
