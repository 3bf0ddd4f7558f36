/** How many buyers a target meets. */
export interface TargetProfile {
  readonly name: 'quick' | 'full'
  /** Of every crowd, and what there is for them. */
  readonly buyers: number
  readonly units: number
  /** How many at once, one after the other. */
  readonly ladder: readonly number[]
  /** Buyers who send the same request twice. */
  readonly twins: number
  /** What is sold one after another. */
  readonly singles: number
  /** Orders that are paid, and how many events come for each. */
  readonly payments: { readonly orders: number; readonly events: number }
  /** A scenario is broken off after so long. */
  readonly scenarioSecondsMax: number
}

export const TARGET_PROFILES = {
  quick: {
    name: 'quick',
    buyers: 60,
    units: 15,
    ladder: [2, 10],
    twins: 10,
    singles: 10,
    payments: { orders: 5, events: 5 },
    scenarioSecondsMax: 300,
  },
  full: {
    name: 'full',
    buyers: 200,
    units: 50,
    ladder: [1, 2, 4, 10],
    twins: 20,
    singles: 50,
    payments: { orders: 10, events: 5 },
    scenarioSecondsMax: 900,
  },
} as const satisfies Record<string, TargetProfile>
