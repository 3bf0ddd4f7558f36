import { returnOf } from '../lookup.ts'
import { CLOCK_MS_MAX, placesOf, sumUpTo, type Taking } from '../places.ts'
import { type Checker, found, type Witness, witnessOf } from './checker.ts'

/**
 * Bounds (counter of Jepsen): what was read as taken is not less than what had been acknowledged before, and not more than
 * what had been asked for by then.
 */
export const countersBounded: Checker = {
  name: 'counters-bounded',
  promise:
    'counters of tiers, offers and slots are read between what was acknowledged and what was asked for',
  what: 'readings of counters',
  look: (lookup) => {
    const readings = Map.groupBy(
      lookup.operations.filter(({ operation, outcome }) => operation === 'watch' && outcome === 'ok'),
      ({ asked }) => asked.tier ?? asked.offer ?? asked.slot ?? '',
    )
    const places = placesOf(lookup)
    const wrong: Witness[] = []
    let looked = 0
    for (const [of, watched] of readings) {
      const takings = places.get(of) ?? []
      const acknowledged = takings.filter((taking) => taking.acknowledged < Number.POSITIVE_INFINITY)
      const told = sumUpTo(acknowledged, (taking) => taking.acknowledged, leastOf)
      const mayHaveEnded = sumUpTo(acknowledged, (taking) => taking.mayEnd, leastOf)
      const asked = sumUpTo(takings, (taking) => taking.called)
      const ended = sumUpTo(takings, (taking) => taking.ended)
      for (const reading of watched) {
        looked++
        const least = told(reading.call - CLOCK_MS_MAX) - mayHaveEnded(returnOf(reading))
        const most = asked(returnOf(reading) + CLOCK_MS_MAX) - ended(reading.call - CLOCK_MS_MAX)
        const taken = reading.answered.taken ?? 0
        if (taken < least || taken > most)
          wrong.push(
            witnessOf(`${taken} places were read as taken, and there were ${least} to ${most}`, [reading]),
          )
      }
    }
    return found(looked, wrong)
  },
}

function leastOf({ least }: Taking): number {
  return least
}
