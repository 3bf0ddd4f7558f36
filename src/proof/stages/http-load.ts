import type { LoadRun } from '../../load/engine.ts'
import type { Check, Latency } from '../results.ts'
import { counterOf, ranToItsEnd, type Scenario } from '../scenarios/scenario.ts'

export const RAN_TO_ITS_END = 'the script ran to its end'

const EVENT_LOOP_DELAY_MS_MAX = 250

/** Validity of the load (complete, generator not saturated) and the script's thresholds. */
export function loadChecks(scenario: Scenario, load: LoadRun): Check[] {
  return [...sustainedChecks(scenario, load), requestsCheck(load)]
}

/** The same of a script under LOAD_PROFILE, which does not know how many requests it will make. */
export function sustainedChecks(scenario: Scenario, load: LoadRun): Check[] {
  const { droppedIterations, eventLoopDelayP99Ms: delay } = load.generator
  const isComplete = ranToItsEnd(load)
  return [
    {
      // A generator that broke has shown nothing, neither that a promise holds nor that it does not.
      name: RAN_TO_ITS_END,
      verdict: isComplete ? 'PASS' : 'INCONCLUSIVE',
      detail: isComplete ? `exit ${load.exitCode}` : `exit ${load.exitCode}: ${load.output.slice(-800)}`,
    },
    thresholdsCheck(scenario, load),
    {
      name: 'the load generator kept up',
      verdict: droppedIterations === 0 && (delay ?? 0) <= EVENT_LOOP_DELAY_MS_MAX ? 'PASS' : 'INCONCLUSIVE',
      detail: `${droppedIterations} iterations dropped${delay === null ? '' : `, event-loop delay p99 ${delay.toFixed(0)} ms`}`,
    },
  ]
}

/**
 * A threshold is a FAIL when something that happened broke it. One on a counter that must be above zero and is not, or on a
 * generator that could not keep up, shows nothing: INCONCLUSIVE.
 */
function thresholdsCheck({ mustHaveHappened }: Scenario, load: LoadRun): Check {
  const broken = load.thresholds.filter((threshold) => !threshold.ok)
  const happened = ({ metric }: { metric: string }) =>
    metric !== 'dropped_iterations' && (!(metric in mustHaveHappened) || counterOf(load, metric) > 0)
  const shown = ranToItsEnd(load) && load.thresholds.length > 0
  return {
    name: 'every threshold is met',
    verdict: shown && broken.length === 0 ? 'PASS' : shown && broken.some(happened) ? 'FAIL' : 'INCONCLUSIVE',
    detail:
      broken.map(({ metric, threshold }) => `${metric} ${threshold}`).join(', ') ||
      `${load.thresholds.length} of ${load.thresholds.length}`,
  }
}

/** What a script said before it started: repeats of what the server was too busy for come on top. */
function requestsCheck(load: LoadRun): Check {
  const announced = load.metrics['announced_requests']?.['value']
  const made = counterOf(load, 'http_reqs') - counterOf(load, 'repeated_requests')
  return {
    name: 'no more requests than the script said',
    verdict: announced === undefined ? 'INCONCLUSIVE' : made <= announced ? 'PASS' : 'FAIL',
    detail: `${made} of at most ${announced ?? 'an unknown number'}`,
  }
}

/** Milliseconds, from a trend of k6. */
export function latencyOf(trend: Readonly<Record<string, number>> | undefined): Latency | null {
  if (trend === undefined) return null
  const at = (statistic: string) => trend[statistic] ?? 0
  return {
    p50: trend['p(50)'] ?? at('med'),
    p90: at('p(90)'),
    p95: at('p(95)'),
    p99: at('p(99)'),
    p999: trend['p(99.9)'] ?? null,
    max: at('max'),
    count: at('count'),
  }
}
