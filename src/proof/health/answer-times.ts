import type { AnswerTime } from '../measures.ts'
import type { Check, Latency, ScenarioResult } from '../results.ts'

/** Milliseconds. p99.9 says nothing below so many samples. */
const P999_SAMPLES_MIN = 1_000

interface Limit {
  readonly operation: string
  /** Where it is measured: all calls of a scenario, or those of one trend of its script. */
  readonly scenario: string
  readonly trend?: string
  readonly target?: Percentiles
  readonly baseline?: Percentiles & { readonly failuresMax: number }
}

interface Percentiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number | null
}

const RESERVE = { p50: 200, p90: 400, p99: 800, p999: 2_000 }
const CHECKOUT = { p50: 500, p90: 1_000, p99: 2_000, p999: 5_000 }
const PAYMENT = { p50: 2_000, p90: 4_000, p99: 8_000, p999: 15_000 }

/** What answers may take, and a baseline: what a machine of its own was seen to take. */
export const ANSWER_TIMES: readonly Limit[] = [
  {
    operation: 'reserve, without contention',
    scenario: 'hold-churn',
    target: RESERVE,
    baseline: { p50: 150, p90: 300, p99: 600, p999: null, failuresMax: 0.01 },
  },
  {
    operation: 'reserve, with contention',
    scenario: 'reserve-race',
    target: RESERVE,
    baseline: { p50: 300, p90: 600, p99: 1_200, p999: null, failuresMax: 0.1 },
  },
  {
    operation: 'checkout',
    scenario: 'ticketing-flow',
    trend: 'http_req_duration{operation:enhanced-checkout}',
    target: CHECKOUT,
    baseline: { p50: 400, p90: 800, p99: 1_500, p999: null, failuresMax: 0.02 },
  },
  {
    operation: 'payment, until the tickets are there',
    scenario: 'ticket-purchase',
    trend: 'paid_to_ticket',
    target: PAYMENT,
  },
  {
    operation: 'payment webhook',
    scenario: 'webhook-burst',
    trend: 'http_req_duration{operation:stripe-webhook}',
    // The guide aims at a p99 alone; its baseline has the others.
    target: { p50: 1_000, p90: 2_000, p99: 4_000, p999: null },
    baseline: { p50: 1_000, p90: 2_000, p99: 4_000, p999: null, failuresMax: 0.001 },
  },
]

/** The trends that a scenario's result keeps for this. */
export function trendsOf(scenario: string): readonly string[] {
  return ANSWER_TIMES.flatMap((limit) =>
    limit.scenario === scenario && limit.trend !== undefined ? [limit.trend] : [],
  )
}

type Measured = Pick<ScenarioResult, 'name' | 'latencyMs' | 'trendsMs' | 'outcomes' | 'requests'>

/** Each kind of call as this run saw it; limits are `patience` times as long on a machine that runs everything. */
export function answerTimesOf(scenarios: readonly Measured[], patience: number): readonly AnswerTime[] {
  return ANSWER_TIMES.map(({ operation, scenario: name, trend, target, baseline }) => {
    const scenario = scenarios.find((one) => one.name === name)
    const latency = trend === undefined ? scenario?.latencyMs : scenario?.trendsMs?.[trend]
    const allowed = patientLimits(target, patience)
    const usual = patientLimits(baseline, patience)
    const failures = scenario === undefined ? null : failuresOf(scenario)
    const time = {
      operation,
      from: latency ? name : `${name} did not run, or did not measure it`,
      count: latency?.count ?? 0,
      measured: latency ? measuredOf(latency) : null,
      target: allowed,
      baseline: usual,
      failures,
      failuresMax: baseline?.failuresMax ?? null,
    }
    return { ...time, verdict: verdictOf(time) }
  })
}

function measuredOf({ p50, p90, p99, p999, count }: Latency): Percentiles {
  return { p50, p90, p99, p999: count < P999_SAMPLES_MIN ? null : p999 }
}

function patientLimits(limits: Percentiles | undefined, patience: number): Percentiles | null {
  if (limits === undefined) return null
  const { p50, p90, p99, p999 } = limits
  return {
    p50: p50 * patience,
    p90: p90 * patience,
    p99: p99 * patience,
    p999: p999 === null ? null : p999 * patience,
  }
}

/** What was answered with something that nobody foresaw, or with a call to retry: a refusal is an answer. */
function failuresOf({ outcomes, requests }: Measured): number {
  const failed = Object.entries(outcomes).filter(([code]) => /^(unexpected|40001|40P01)/.test(code))
  return failed.reduce((sum, [, times]) => sum + times, 0) / Math.max(1, requests)
}

/** A target that is missed is a FAIL; a baseline that is, says that this machine is slower: INCONCLUSIVE. */
function verdictOf({
  measured,
  target,
  baseline,
  failures,
  failuresMax,
}: Omit<AnswerTime, 'verdict'>): AnswerTime['verdict'] {
  if (measured === null) return 'NOT SHOWN'
  if (target !== null && exceeded(measured, target).length > 0) return 'FAIL'
  if (failuresMax !== null && (failures ?? 0) > failuresMax) return 'INCONCLUSIVE'
  return baseline !== null && exceeded(measured, baseline).length > 0 ? 'INCONCLUSIVE' : 'PASS'
}

const PERCENTILES = ['p50', 'p90', 'p99', 'p999'] as const

function exceeded(measured: Percentiles, limits: Percentiles): readonly (typeof PERCENTILES)[number][] {
  return PERCENTILES.filter((at) => {
    const [value, limit] = [measured[at], limits[at]]
    return value !== null && limit !== null && value > limit
  })
}

export function answerTimeChecks(times: readonly AnswerTime[]): readonly Check[] {
  return times.flatMap(({ operation, measured, target, baseline, failures, failuresMax, verdict }) => {
    if (measured === null || verdict === 'NOT SHOWN') return []
    const missed = [
      ...(target === null ? [] : exceeded(measured, target).map((at) => `${at} above the target`)),
      ...(baseline === null ? [] : exceeded(measured, baseline).map((at) => `${at} above the baseline`)),
      ...(failuresMax !== null && (failures ?? 0) > failuresMax ? ['more failures than the baseline'] : []),
    ]
    const figures = `p50 ${measured.p50.toFixed(0)}, p90 ${measured.p90.toFixed(0)}, p99 ${measured.p99.toFixed(0)} ms`
    return [
      {
        name: `answer times: ${operation}`,
        verdict,
        detail: [figures, ...missed].join('; '),
      },
    ]
  })
}
