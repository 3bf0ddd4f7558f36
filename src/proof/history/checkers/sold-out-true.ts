import type { Operation, RowOf } from '../format.ts'
import type { Lookup } from '../lookup.ts'
import { placesOf, sumUpTo } from '../places.ts'
import { type Checker, judged, type Witness, witnessOf } from './checker.ts'

const SOLD_OUT: ReadonlySet<string> = new Set(['INSUFFICIENT_TICKETS', 'INSUFFICIENT_INVENTORY'])

/**
 * Bounds: whoever was told so could not be served at some moment of the call. It is wrong where even all that others asked for
 * before its end, without what surely had come back before its begin, leaves enough.
 */
export const soldOutTrue: Checker = {
  name: 'sold-out-true',
  promise: 'nobody is told "sold out" while enough was free during the whole call',
  judge: (lookup) => {
    const refusals = lookup.history.operations.filter(
      ({ outcome, code }) => outcome === 'refused' && SOLD_OUT.has(code),
    )
    const freeIn = freeDuring(lookup)
    const known = refusals.filter(({ asked }) => asked.tiers !== undefined)
    return judged(
      known.length,
      'answers "sold out"',
      known.flatMap((refusal) => untrue(refusal, freeIn)),
    )
  },
}

interface Free {
  readonly tier: RowOf<'tier'>
  readonly places: number
}

type FreeIn = (operation: Operation, tier: string) => Free | undefined

/** How many places of a tier were free all the time that an operation took, at least. */
function freeDuring(lookup: Lookup): FreeIn {
  const places = placesOf(lookup)
  const sums = new Map<string, readonly ((at: number) => number)[]>()
  return ({ database, call, return: returned }, tierId) => {
    const name = `${database} ${tierId}`
    const [tier] = lookup.of(database).byId('tier', tierId)
    const known = sums.get(name)
    const takings = places.get(name) ?? []
    const [taken, free] = known ?? [
      sumUpTo(takings, (taking) => taking.called),
      sumUpTo(takings, (taking) => taking.free),
    ]
    if (tier === undefined || taken === undefined || free === undefined || returned === null) return undefined
    sums.set(name, [taken, free])
    return { tier, places: tier.total - (taken(returned) - free(call)) }
  }
}

/** Of a cart one tier was sold out at least. */
function untrue(refusal: Operation, freeIn: FreeIn): readonly Witness[] {
  const wishes = Object.entries(refusal.asked.tiers ?? {}).map(([tier, quantity]) => ({
    quantity,
    free: freeIn(refusal, tier),
  }))
  const [first] = wishes
  const isUntrue = wishes.every(({ quantity, free }) => free !== undefined && free.places >= quantity)
  if (first?.free === undefined || !isUntrue) return []
  const { tier, places } = first.free
  return [
    witnessOf(
      `it was told "sold out", and ${places} of ${tier.total} places were free all the time`,
      [refusal],
      [tier],
    ),
  ]
}
