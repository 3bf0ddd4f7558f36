import type { Options, Scenario } from 'k6/options'

/** So long may who has begun go on when the time is over. */
const gracefulStop = '60s'

function steady(vus: number, duration: string): Scenario {
  return { executor: 'constant-vus', vus, duration, gracefulStop }
}

/** Closed workload model: so many users, each of whom begins again when the story is over. */
const PROFILES: Readonly<Record<string, Scenario>> = {
  light: steady(10, '5m'),
  medium: steady(50, '3m'),
  stress: steady(200, '2m'),
  /** As long as it was asked; long enough for what leaks to be seen. */
  soak: steady(Number(__ENV['SOAK_USERS'] ?? 10), `${__ENV['SOAK_S'] ?? 1800}s`),
  spike: {
    executor: 'ramping-vus',
    startVUs: 0,
    stages: [
      { duration: '10s', target: 500 },
      { duration: '30s', target: 500 },
      { duration: '10s', target: 0 },
    ],
    gracefulStop,
    gracefulRampDown: gracefulStop,
  },
}

/** LOAD_PROFILE, which tells a story over and over instead of once; undefined where none is set. */
export const loadProfile = __ENV['LOAD_PROFILE'] || undefined

if (loadProfile !== undefined && PROFILES[loadProfile] === undefined)
  throw new Error(`LOAD_PROFILE is one of ${Object.keys(PROFILES).join(', ')}`)

/** The part of a scenario's options that LOAD_PROFILE puts in place of its own users. */
export const LOAD: Options =
  loadProfile === undefined ? {} : { scenarios: { [loadProfile]: PROFILES[loadProfile] as Scenario } }

/** Users of LOAD_PROFILE at its highest; 0 where none is set. */
export const usersMost = loadProfile === undefined ? 0 : mostOf(PROFILES[loadProfile] as Scenario)

function mostOf(scenario: Scenario): number {
  if (scenario.executor === 'ramping-vus') return Math.max(...scenario.stages.map(({ target }) => target))
  return scenario.executor === 'constant-vus' ? (scenario.vus ?? 1) : 0
}

/** Stories that may be told over and over: the others are of one moment, or use up what their fixture holds for each part of them. */
const REPEATABLE: readonly string[] = [
  ...['concurrent-checkout', 'ticketing-flow', 'ticket-purchase', 'refund-and-resell'],
  ...['scanner-stress', 'offer-rush', 'slot-rush', 'strangers', 'webhook-burst'],
]

/** Everything is given back, so that there may always be enough, and in the end nothing is kept. */
const SCARCE: Readonly<Record<string, readonly string[]>> = {
  'offer-rush': ['places_taken', 'sold_out_answers'],
  'slot-rush': ['covers_kept', 'full_answers'],
  'refund-and-resell': ['none_left_answers'],
}

/**
 * Thresholds as they hold under LOAD_PROFILE: how often something happens depends on the machine, so that a number above zero is
 * none. Throws where the scenario cannot be repeated.
 */
export function underLoad(scenario: string, thresholds: Record<string, string[]>): Record<string, string[]> {
  if (loadProfile === undefined) return thresholds
  if (!REPEATABLE.includes(scenario))
    throw new Error(`${scenario} is told once: LOAD_PROFILE is for ${REPEATABLE.join(', ')}`)
  return Object.fromEntries(
    Object.entries(thresholds)
      .filter(([metric]) => SCARCE[scenario]?.includes(metric) !== true)
      .map(([metric, limits]) => [
        metric,
        limits.map((limit) => (/^count(==|>=)[1-9]/.test(limit) ? 'count>0' : limit)),
      ]),
  )
}
