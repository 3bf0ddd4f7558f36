import { randomFrom } from '../../core/random.ts'

/** What can go wrong, each by the name that the report has. */
export const FAULTS = [
  'kills of the server',
  'kills of a backend',
  'kills of the postmaster',
  'kills of all of PostgreSQL',
  'fast restarts of PostgreSQL',
  'immediate restarts of PostgreSQL',
  'connections cut before a call',
  'connections cut after a commit',
  'breaks of the network',
  'holes that swallow packets',
  'spells of a database without writes',
  'full disks',
  'strangers with all connections',
  'kills of PgBouncer',
  'spells of a slow provider',
  'breaks of the provider',
  'spells of lost webhooks and answers',
  'wrong clocks of the server',
] as const

export type Fault = (typeof FAULTS)[number]

export interface PlannedFault {
  readonly fault: Fault
  /** So many orders are acknowledged between the one before it and this one. */
  readonly after: number
  /** In milliseconds, where it lasts. */
  readonly lastsMs: number
  /** For what it has to choose. */
  readonly seed: number
}

/** What a seed decides; how long each takes is the machine's. */
export interface FaultPlan {
  readonly seed: number
  /** The server reaches its database through PgBouncer. */
  readonly isPooled: boolean
  readonly faults: readonly PlannedFault[]
}

const FAULTS_A_RUN = 4
const AFTER_MAX = 25
const LASTS_MS_MIN = 300
const LASTS_MS_MAX = 1_200

/**
 * The same seed plans the same faults at the same points, on every machine. One of each run is a commit whose answer is cut off, so
 * that there is an outcome which nobody knows.
 */
export function planFaults(seed: number): FaultPlan {
  const random = randomFrom(seed)
  const isPooled = random.below(4) === 0
  const left = FAULTS.filter((fault) => fault !== CUT && (isPooled || fault !== 'kills of PgBouncer'))
  const drawn: Fault[] = []
  while (drawn.length < FAULTS_A_RUN - 1) drawn.push(...left.splice(random.below(left.length), 1))
  drawn.splice(random.below(FAULTS_A_RUN), 0, CUT)
  const faults = drawn.map((fault) => ({
    fault,
    after: 1 + random.below(AFTER_MAX),
    lastsMs: LASTS_MS_MIN + random.below(LASTS_MS_MAX - LASTS_MS_MIN),
    seed: random.below(2 ** 31),
  }))
  return { seed, isPooled, faults }
}

const CUT: Fault = 'connections cut after a commit'
