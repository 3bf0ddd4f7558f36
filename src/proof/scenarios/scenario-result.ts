import { shownBy } from '../../core/guarantees.ts'
import { type Check, type ScenarioResult, worst } from '../results.ts'
import type { Run } from '../run.ts'
import { reproduceCommand } from './commands.ts'

/** What a scenario was and what was seen of it; thresholds and stock where there are any, and a command that runs it by hand. */
export interface ScenarioObservation
  extends Omit<ScenarioResult, 'guarantees' | 'verdict' | 'command' | 'thresholds' | 'stock'> {
  readonly command?: ScenarioResult['command']
  readonly thresholds?: ScenarioResult['thresholds']
  readonly stock?: ScenarioResult['stock']
}

/**
 * The result of one scenario, whatever ran it: a counter of what must have happened that stands at zero is INCONCLUSIVE, the
 * verdict is the worst of all checks, and each that is no PASS carries the command that shows it again.
 */
export function scenarioResult(run: Run, observation: ScenarioObservation): ScenarioResult {
  const reproduce = reproduceCommand(run, observation.name)
  const checks = [...observation.checks, ...observation.mustHaveHappened.map(happenedCheck)].map(
    (check): Check => (check.verdict === 'PASS' ? check : { reproduce, ...check }),
  )
  return {
    command: reproduce,
    thresholds: [],
    stock: null,
    ...observation,
    guarantees: shownBy(observation.name),
    verdict: worst(checks.map(({ verdict }) => verdict)),
    checks,
  }
}

function happenedCheck({ what, times }: ScenarioResult['mustHaveHappened'][number]): Check {
  return {
    name: `it happened: ${what}`,
    verdict: times > 0 ? 'PASS' : 'INCONCLUSIVE',
    detail: `${times} times`,
  }
}

/** The checks as a stage with several scenarios lists them. */
export function checksByName({ name, checks }: ScenarioResult): readonly Check[] {
  return checks.map((check) => ({ ...check, name: `${name}: ${check.name}` }))
}
