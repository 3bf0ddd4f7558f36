import type { Runner } from '../db/pool.ts'
import { type Checkout, openBuying } from './buying.ts'
import type { GatherFigures } from './gather.ts'
import { openReserving, type Reserve } from './reserving.ts'

/** What one server gathers: whoever asks for the same tiers asks together, on one connection of `database`. */
export interface Gathering {
  readonly reserve: Reserve
  readonly checkout: Checkout
  readonly figures: ReadonlyMap<'reserve' | 'checkout', () => GatherFigures>
}

export function openGathering(database: Runner): Gathering {
  const reserving = openReserving(database)
  const buying = openBuying(database)
  return {
    reserve: reserving.reserve,
    checkout: buying.checkout,
    figures: new Map([
      ['reserve', reserving.figures],
      ['checkout', buying.figures],
    ]),
  }
}
