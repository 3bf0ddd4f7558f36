import type { TrueState } from '../answers.ts'
import type { Shopper } from '../buyers.ts'
import type { TargetProfile } from '../profiles.ts'
import type { Judged, PromiseName } from '../promises.ts'
import type { Target } from '../target.ts'

/** Buyers who attack one promise or several, and what the rows must say afterwards. */
export interface TargetScenario {
  readonly name: string
  readonly story: string
  /** What it puts under load. */
  readonly shows: readonly PromiseName[]
  /** Why this system cannot be asked for it, if so. */
  readonly obstacle?: (target: Target) => string | undefined
  /** Calls of a buyer at most, without the repeats of what a system was too busy for. */
  readonly calls: (profile: TargetProfile) => number
  readonly work: (target: Target, world: World) => Promise<Observation>
}

/** What a scenario does with the system besides buying. */
export interface World {
  /** Something new to sell; it is cleaned up after the scenario. */
  prepare(units: number): Promise<unknown>
  /** After the system's own time to settle. */
  truth(item: unknown): Promise<TrueState>
  shopper(index: number): Shopper
  report(text: string): void
}

export interface Observation {
  readonly units: number
  readonly shoppers: readonly Shopper[]
  readonly truth: TrueState
  readonly judged: Judged
  /** What must have happened for the run to mean something. */
  readonly happened: readonly { readonly what: string; readonly times: number }[]
}
