import { ERROR_RATES, errorKindOf } from '../../core/error-rates.ts'
import type { ErrorRateResult } from '../measures.ts'
import type { Check, ScenarioResult } from '../results.ts'
import type { ServerFigures } from './server.ts'

/** SERIALIZABLE answers most of a race with 40001, by design: its rate is that of nobody's sale. */
const LEFT_OUT = 'reserve-race-serializable'

/**
 * The error taxonomy: of all requests to the run's servers, and of all transactions at the database under READ COMMITTED, how many
 * ended in each kind, against the share that it may be.
 */
export function errorRatesOf(
  servers: readonly ServerFigures[],
  scenarios: readonly Pick<ScenarioResult, 'name' | 'requests' | 'outcomes' | 'file'>[],
): readonly ErrorRateResult[] {
  const atDatabase = scenarios.filter(({ name, file }) => file.endsWith('.sql') && name !== LEFT_OUT)
  const requests = sum(servers.map((server) => server.requests))
  const transactions = sum(atDatabase.map((scenario) => scenario.requests))
  const of = requests + transactions
  const from =
    servers.length === 0 && atDatabase.length === 0
      ? 'no load ran, or its server has no /metrics'
      : `${requests} requests that the server counted, ${transactions} transactions by pgbench`
  return ERROR_RATES.map(({ kind, says, shareMax }) => {
    const times =
      sum(servers.map(({ errors }) => errors[kind] ?? 0)) +
      sum(
        atDatabase.flatMap(({ outcomes }) =>
          Object.entries(outcomes).map(([code, n]) => (errorKindOf(code) === kind ? n : 0)),
        ),
      )
    const verdict = of === 0 ? 'NOT SHOWN' : times <= of * shareMax ? 'PASS' : 'FAIL'
    return { kind, says, times, of, shareMax, verdict, from }
  })
}

export function errorRateChecks(rates: readonly ErrorRateResult[]): readonly Check[] {
  return rates.flatMap(({ kind, says, times, of, shareMax, verdict }) =>
    verdict === 'NOT SHOWN' || shareMax === 1
      ? []
      : [
          {
            name: `${kind}: at most ${(shareMax * 100).toLocaleString('en')} % of all calls`,
            verdict,
            detail: `${times} of ${of} (${says})`,
          },
        ],
  )
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
