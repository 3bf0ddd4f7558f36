import type { Runner } from '../db/pool.ts'
import { type Checkout, openBuying } from './buying.ts'
import type { GatherFigures } from './gather.ts'
import { openReserving, type Reserve } from './reserving.ts'

/** What one server gathers: whoever asks for the same tiers asks together, on one connection. */
export interface Gathering {
  readonly reserve: Reserve
  readonly checkout: Checkout
  readonly figures: ReadonlyMap<'reserve' | 'checkout', () => GatherFigures>
}

/** Of `places`, which all who ask take of one lane, those who hold of one tier take half at most, and so do those who buy it. */
export function openGathering(database: Runner, places: number): Gathering {
  const perKeyMax = Math.max(2, Math.ceil(places / 2))
  const reserving = openReserving(database, perKeyMax)
  const buying = openBuying(database, perKeyMax)
  return {
    reserve: reserving.reserve,
    checkout: buying.checkout,
    figures: new Map([
      ['reserve', reserving.figures],
      ['checkout', buying.figures],
    ]),
  }
}
