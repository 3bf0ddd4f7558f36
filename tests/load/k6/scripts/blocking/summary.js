import { sleep } from 'k6'
import http from 'k6/http'
import { Trend } from 'k6/metrics'

const waits = new Trend('waits')

export const options = { vus: 2, iterations: 4, summaryTrendStats: ['avg', 'p(99)', 'count'] }

export default function () {
  http.get(`${__ENV.BASE_URL}/first`)
  waits.add(5)
  sleep(0.01)
}

export function handleSummary({ metrics, root_group, state }) {
  const { values } = metrics.waits
  const line = `${metrics.iterations.values.count} iterations, waits ${values.avg} of ${values.count}`
  return {
    stdout: `${line}, ${root_group.checks.length} checks, ${state.testRunDurationMs > 0}\n`,
  }
}
