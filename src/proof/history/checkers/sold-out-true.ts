import type { Operation, RowOf } from '../format.ts'
import type { Lookup } from '../lookup.ts'
import { placesOf, sumUpTo, wantedIn } from '../places.ts'
import { type Checker, found, type Witness, witnessOf } from './checker.ts'

const SOLD_OUT: ReadonlySet<string> = new Set([
  'INSUFFICIENT_TICKETS',
  'INSUFFICIENT_INVENTORY',
  'INSUFFICIENT_SPOTS',
  'SLOT_FULL',
])

/**
 * Bounds: whoever was told so could not be served at some moment of the call. It is wrong where even all that others asked for
 * before its end, without what surely had come back before its begin, leaves enough.
 */
export const soldOutTrue: Checker = {
  name: 'sold-out-true',
  promise: 'nobody is told "sold out" while enough was free during the whole call',
  what: 'answers "sold out"',
  look: (lookup) => {
    const refusals = lookup.operations.filter(
      ({ outcome, code, asked }) => outcome === 'refused' && SOLD_OUT.has(code) && saysWhat(asked),
    )
    const freeIn = freeDuring(lookup)
    return found(
      refusals.length,
      refusals.flatMap((refusal) => untrue(refusal, lookup, freeIn)),
    )
  },
}

function saysWhat({ tiers, offer, time }: Operation['asked']): boolean {
  return tiers !== undefined || offer !== undefined || time !== undefined
}

type Limited = RowOf<'tier' | 'offer' | 'slot'>

interface Free {
  readonly row: Limited
  readonly places: number
  readonly isEnough: boolean
}

type FreeIn = (operation: Operation, of: string) => Omit<Free, 'isEnough'> | undefined

/** How many places of a tier, an offer or a slot were free all the time that an operation took, at least. */
function freeDuring(lookup: Lookup): FreeIn {
  const { ledger } = lookup
  const places = placesOf(lookup)
  const sums = new Map<string, readonly ((at: number) => number)[]>()
  return ({ call, return: returned }, of) => {
    const row: Limited | undefined =
      ledger.byId('tier', of)[0] ?? ledger.byId('offer', of)[0] ?? ledger.byId('slot', of)[0]
    const takings = places.get(of) ?? []
    const [taken, free] = sums.get(of) ?? [
      sumUpTo(takings, (taking) => taking.called),
      sumUpTo(takings, (taking) => taking.free),
    ]
    if (row === undefined || row.total === null || taken === undefined || free === undefined) return undefined
    if (returned === null) return undefined
    sums.set(of, [taken, free])
    return { row, places: row.total - (taken(returned) - free(call)) }
  }
}

/** Of a cart one tier was sold out at least; of slots at one time every one was full. */
function untrue(refusal: Operation, lookup: Lookup, freeIn: FreeIn): readonly Witness[] {
  const wanted = wantedIn(refusal, lookup).map(({ of, quantity }): Free | undefined => {
    const free = freeIn(refusal, of)
    return free && { ...free, isEnough: free.places >= quantity && !isForFew(free.row) }
  })
  const free = wanted.find((one) => one?.isEnough)
  const isUntrue = refusal.operation === 'book' || wanted.every((one) => one?.isEnough === true)
  if (free === undefined || !isUntrue) return []
  const { row, places } = free
  return [
    witnessOf(
      `it was told "sold out", and ${places} of ${row.total} places were free all the time`,
      [refusal],
      [row],
    ),
  ]
}

/** A slot that gives one guest so many covers may be free, and not for this one. */
function isForFew(row: Limited): boolean {
  return row.row === 'slot' && row.guestMax !== null
}
