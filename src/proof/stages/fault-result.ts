import type { ScenarioResult } from '../results.ts'
import type { Run } from '../run.ts'
import { type ScenarioObservation, scenarioResult } from '../scenarios/scenario-result.ts'

interface FaultObservation
  extends Pick<ScenarioObservation, 'name' | 'story' | 'file' | 'mustHaveHappened' | 'checks'> {
  readonly startedMs: number
  readonly counts: ReadonlyMap<string, number>
  /** Webhooks that were taken, which are requests too. */
  readonly deliveries?: number
}

/** The result of a scenario whose load and faults are the proof's own. */
export function faultResult(
  run: Run,
  { startedMs, counts, deliveries = 0, ...seen }: FaultObservation,
): ScenarioResult {
  const durationMs = Math.round(performance.now() - startedMs)
  const answers = [...counts].filter(([what]) => ANSWERS.test(what)).sort()
  const requests = answers.reduce((sum, [, times]) => sum + times, 0) + deliveries
  return scenarioResult(run, {
    ...seen,
    engine: 'chaos',
    engineVersion: run.run.version,
    durationMs,
    requests,
    perSecond: requests / (durationMs / 1000),
    latencyMs: null,
    outcomes: Object.fromEntries(answers),
  })
}

/** The counters that are answers to callers; the rest is what buyers, staff and faults did. */
const ANSWERS = /^(unexpected |checkout[ :]|pay page|refund: )/
