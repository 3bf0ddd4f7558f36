/** One scenario of the options: what runs, when, and how hard. Times in milliseconds from the start of the test. */
export interface Scenario {
  readonly name: string
  readonly exec: string
  readonly startTimeMs: number
  readonly gracefulStopMs: number
  readonly env: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
  readonly plan: Plan
}

export interface Stage {
  readonly durationMs: number
  readonly target: number
}

export interface IterationPlan {
  readonly vus: number
  readonly iterations: number
  readonly maxDurationMs: number
}

export interface ArrivalPlan {
  readonly preAllocatedVUs: number
  readonly maxVUs: number
  readonly timeUnitMs: number
}

/** Executor: how a scenario starts its iterations. */
export type Plan =
  | ({ readonly executor: 'shared-iterations' } & IterationPlan)
  | ({ readonly executor: 'per-vu-iterations' } & IterationPlan)
  | { readonly executor: 'constant-vus'; readonly vus: number; readonly durationMs: number }
  | {
      readonly executor: 'ramping-vus'
      readonly startVUs: number
      readonly stages: readonly Stage[]
      readonly gracefulRampDownMs: number
    }
  | ({
      readonly executor: 'constant-arrival-rate'
      readonly rate: number
      readonly durationMs: number
    } & ArrivalPlan)
  | ({
      readonly executor: 'ramping-arrival-rate'
      readonly startRate: number
      readonly stages: readonly Stage[]
    } & ArrivalPlan)

/** How long the scenario takes at most, without its graceful stop. */
export function regularMs(plan: Plan): number {
  switch (plan.executor) {
    case 'shared-iterations':
    case 'per-vu-iterations':
      return plan.maxDurationMs
    case 'constant-vus':
    case 'constant-arrival-rate':
      return plan.durationMs
    case 'ramping-vus':
    case 'ramping-arrival-rate':
      return plan.stages.reduce((sum, stage) => sum + stage.durationMs, 0)
  }
}

/** How many virtual users must be ready before the scenario starts. */
export function plannedVUs(plan: Plan): number {
  switch (plan.executor) {
    case 'ramping-vus':
      return Math.max(plan.startVUs, ...plan.stages.map(({ target }) => target))
    case 'constant-arrival-rate':
    case 'ramping-arrival-rate':
      return plan.preAllocatedVUs
    default:
      return plan.vus
  }
}
