import exec from 'k6/execution'
import type { Options } from 'k6/options'
import { getThresholds, type Scenario } from '../../../../load-tests/config/thresholds.ts'
import { announce, PACE } from '../../../../load-tests/helpers/pace.ts'

export const options: Options = {
  scenarios: { once: { executor: 'shared-iterations', vus: 1, iterations: 1 } },
  ...PACE,
}

const thresholds = getThresholds((__ENV['STORY'] ?? 'concurrent-checkout') as Scenario)

export const setup = announce('profiled', 40)

/** Says what it was given, and ends the run. */
export default function say(): void {
  console.log(`GIVEN ${JSON.stringify({ scenarios: options.scenarios, thresholds })}`)
  exec.test.abort()
}
