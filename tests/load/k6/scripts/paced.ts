import { check } from 'k6'
import exec from 'k6/execution'
import { announce, atRate, lasting, PACE } from '../../../../load-tests/helpers/pace.ts'

export const options = { iterations: 1, ...PACE, thresholds: { checks: ['rate==1'] } }

export const setup = announce('paced', 40, Number(__ENV['LIKELY'] ?? 40))

export default function (): void {
  const given = [exec.test.options.rps ?? 0, lasting(60, 40), atRate(500)].join()
  check(null, { [given]: () => given === __ENV['GIVEN'] })
}
