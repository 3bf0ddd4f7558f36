import type { Runner } from '../db/pool.ts'
import { type Checkout, openBuying } from './buying.ts'
import type { GatherFigures } from './gather.ts'
import { openReserving, type Reserve } from './reserving.ts'

/** What one server gathers: whoever asks for the same tiers asks together, on one connection. */
export interface Gathering {
  readonly reserve: Reserve
  readonly checkout: Checkout
  readonly figures: ReadonlyMap<GatheredVerb, () => GatherFigures>
}

export type GatheredVerb = 'reserve' | 'checkout'

/**
 * Of `places`, which all who ask take of one lane, those who hold of one tier take half at most, and so do those who buy it.
 * `onRefusal` is told of a batch that PostgreSQL rolled back, with its SQLSTATE: each of it is made alone.
 */
export function openGathering(
  database: Runner,
  places: number,
  onRefusal: (verb: GatheredVerb, sqlState: string) => void,
): Gathering {
  const perKeyMax = Math.max(2, Math.ceil(places / 2))
  const limitsOf = (verb: GatheredVerb) => ({
    perKeyMax,
    onRefusal: (sqlState: string) => onRefusal(verb, sqlState),
  })
  const reserving = openReserving(database, limitsOf('reserve'))
  const buying = openBuying(database, limitsOf('checkout'))
  return {
    reserve: reserving.reserve,
    checkout: buying.checkout,
    figures: new Map([
      ['reserve', reserving.figures],
      ['checkout', buying.figures],
    ]),
  }
}
