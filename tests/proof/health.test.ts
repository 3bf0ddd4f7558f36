import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it, test } from 'node:test'
import { ANSWER_TIMES, answerTimeChecks, answerTimesOf } from '../../src/proof/health/answer-times.ts'
import { errorRateChecks, errorRatesOf } from '../../src/proof/health/error-rates.ts'
import {
  databaseChecks,
  deadlockCheck,
  generatorChecks,
  statementsCheck,
  tableCheck,
} from '../../src/proof/health/rules.ts'
import { figuresIn, type ServerFigures } from '../../src/proof/health/server.ts'
import type { DatabaseHealth, GeneratorHealth, TableHealth } from '../../src/proof/measures.ts'
import { readinessOf } from '../../src/proof/readiness.ts'
import type { Check, Verdict } from '../../src/proof/results.ts'
import { PASSING } from './report-examples.ts'
import { WATCHED } from './report-measures.ts'

const PATIENCE = 2
const CORES = 2
const TABLE: TableHealth = { name: 'ticket_holds', live: 10, dead: 20, lastVacuum: null, bytes: 8192 }
const STATEMENT = { statement: 'select $1', calls: 1, meanMs: 1, maxMs: 1, totalMs: 1 }
const LATENCY = { p50: 1, p90: 2, p95: 2, p99: 3, p999: 4, max: 5, count: 5_000 }

const database = (change: Partial<DatabaseHealth> = {}) =>
  databaseChecks(
    [
      { name: 'calm', ...WATCHED },
      { name: 'planted', health: { ...WATCHED.health, ...change } },
    ],
    PATIENCE,
  )
const generator = (change: Partial<GeneratorHealth> = {}) =>
  generatorChecks(
    [
      { name: 'calm', ...WATCHED },
      { name: 'planted', generator: { ...WATCHED.generator, ...change } },
    ],
    CORES,
  )
const statement = (ms: number) => ({ ms, statement: 'select pg_sleep(9)' })
const deadlocks = (planted: number, total: number) => [
  deadlockCheck([{ name: 'planted', health: { ...WATCHED.health, deadlocks: planted } }], total),
]
const statements = (maxMs: number) => [statementsCheck([{ ...STATEMENT, maxMs }], PATIENCE)]
const table = (change: Partial<TableHealth>) => [tableCheck([{ ...TABLE, ...change }])]

const SERVER: ServerFigures = {
  requests: 1_000,
  statuses: { 200: 1_000 },
  codes: {},
  errors: {},
  rssBytes: 1,
  heapBytes: 1,
  pool: { open: 1, idle: 1, waiting: 0 },
}
const errors = (kinds: ServerFigures['errors']) =>
  errorRateChecks(errorRatesOf([{ ...SERVER, errors: kinds }], []))
const atDatabase = (name: string, retries: number) =>
  errorRateChecks(
    errorRatesOf([], [{ name, file: 'database-tests/x.sql', requests: 100, outcomes: { '40001': retries } }]),
  )
const race = (change: Partial<typeof LATENCY>, outcomes: Record<string, number> = {}) =>
  answerTimeChecks(
    answerTimesOf(
      [{ name: 'reserve-race', latencyMs: { ...LATENCY, ...change }, outcomes, requests: 100 }],
      PATIENCE,
    ),
  )

/** Each rule: what is planted, and what it makes of the verdict; just within its limit it stays a PASS. */
const RULES: readonly (readonly [rule: string, planted: readonly Check[], verdict: Verdict])[] = [
  ['no statement ran', database({ statement: statement(2_001) }), 'INCONCLUSIVE'],
  ['no statement ran', database({ statement: statement(1_999) }), 'PASS'],
  ['nobody waited for a lock', database({ lockWait: statement(2_001) }), 'INCONCLUSIVE'],
  ['nobody waited for a lock', database({ lockWait: statement(6_001) }), 'FAIL'],
  ['nobody waited for a lock', database({ lockWait: statement(1_999) }), 'PASS'],
  ['no deadlock', deadlocks(1, 0), 'FAIL'],
  ['no deadlock', deadlocks(0, 1), 'FAIL'],
  ['no deadlock', deadlocks(0, 0), 'PASS'],
  ['at most 80 % of max_connections', database({ connectionsMax: 201 }), 'INCONCLUSIVE'],
  ['at most 80 % of max_connections', database({ connectionsMax: 200 }), 'PASS'],
  ['at most 80 % of max_connections', database({ connectionsMax: 240, generatorConnections: 100 }), 'PASS'],
  ['no transaction was open', database({ oldestTransactionMs: 30_001 }), 'INCONCLUSIVE'],
  ['no transaction was open', database({ oldestTransactionMs: 29_999 }), 'PASS'],
  ['pg_stat_statements has no call', statements(2_001), 'INCONCLUSIVE'],
  ['pg_stat_statements has no call', statements(1_999), 'PASS'],
  ['pg_stat_statements has no call', [statementsCheck(null, PATIENCE)], 'PASS'],
  ['no table has more', table({ dead: 50_001, live: 50_000 }), 'INCONCLUSIVE'],
  ['no table has more', table({ dead: 50_001, live: 50_002 }), 'PASS'],
  ['no table has more', table({ dead: 50_000, live: 0 }), 'PASS'],
  ['dropped no iteration', generator({ droppedIterations: 1 }), 'INCONCLUSIVE'],
  ['dropped no iteration', generator(), 'PASS'],
  ['its event loop', generator({ eventLoopDelayP99Ms: 251 }), 'INCONCLUSIVE'],
  ['its event loop', generator({ eventLoopDelayP99Ms: 249 }), 'PASS'],
  ["of the machine's 2 cores", generator({ cpuCores: 1.61 }), 'INCONCLUSIVE'],
  ["of the machine's 2 cores", generator({ cpuCores: 1.59 }), 'PASS'],
  ['serialization_failure', errors({ serialization_failure: 51 }), 'FAIL'],
  ['serialization_failure', errors({ serialization_failure: 50 }), 'PASS'],
  ['serialization_failure', atDatabase('reserve-race', 6), 'FAIL'],
  ['hold_expired', errors({ hold_expired: 101 }), 'FAIL'],
  ['hold_expired', errors({ hold_expired: 100 }), 'PASS'],
  ['server_error', errors({ server_error: 2 }), 'FAIL'],
  ['server_error', errors({ server_error: 1 }), 'PASS'],
  ['answer times: reserve, with', race({ p50: 401 }), 'FAIL'],
  ['answer times: reserve, with', race({ p90: 801 }), 'FAIL'],
  ['answer times: reserve, with', race({ p99: 1_601 }), 'FAIL'],
  ['answer times: reserve, with', race({ p999: 4_001 }), 'FAIL'],
  ['answer times: reserve, with', race({ p999: 4_001, count: 999 }), 'PASS'],
  ['answer times: reserve, with', race({}, { 40001: 11 }), 'INCONCLUSIVE'],
  ['answer times: reserve, with', race({}, { unexpected: 10 }), 'PASS'],
]

describe('each rule of health sees what is planted, and nothing within its limit', () => {
  for (const [rule, planted, verdict] of RULES) {
    const found = planted.find(({ name }) => name.includes(rule))
    it(`${found?.name}: ${found?.detail}: ${verdict}`, () => {
      assert.equal(found?.verdict, verdict)
      const others = planted.filter((check) => check !== found && check.verdict !== 'PASS')
      assert.deepEqual(others, [], 'no other rule is broken by it')
    })
  }

  it('a baseline that is missed where the target is met is INCONCLUSIVE, and says which', () => {
    const [churn] = answerTimeChecks(
      answerTimesOf(
        [{ name: 'hold-churn', latencyMs: { ...LATENCY, p50: 301 }, outcomes: {}, requests: 1 }],
        PATIENCE,
      ),
    )
    assert.equal(churn?.verdict, 'INCONCLUSIVE')
    assert.match(churn?.detail ?? '', /p50 above the baseline/)
  })

  it('a refusal that is expected is no error, and SERIALIZABLE is left out of the rates', () => {
    const rates = errorRatesOf([{ ...SERVER, errors: { insufficient_inventory: 999 } }], [])
    assert.deepEqual(
      errorRateChecks(rates).filter(({ verdict }) => verdict !== 'PASS'),
      [],
    )
    assert.deepEqual(atDatabase('reserve-race-serializable', 98), [])
  })

  it('of what did not run nothing is shown', () => {
    assert.ok(answerTimesOf([], 1).every(({ verdict }) => verdict === 'NOT SHOWN'))
    assert.ok(errorRatesOf([], []).every(({ verdict }) => verdict === 'NOT SHOWN'))
    assert.deepEqual(
      [...answerTimeChecks(answerTimesOf([], 1)), ...databaseChecks([], 1), ...generatorChecks([], 1)],
      [],
    )
  })
})

describe('production readiness', () => {
  const names = readinessOf(PASSING).map(({ name }) => name)
  const health = { name: 'health', title: 'Health', durationMs: 1, verdict: 'PASS' } as const
  const scenario = PASSING.scenarios[0]
  assert.ok(scenario)
  const with_ = (name: string) => ({
    ...PASSING,
    stages: ['functional', 'protections', 'judgement'].includes(name)
      ? [{ ...health, name: name as 'functional', checks: [planted(name)] }]
      : name.startsWith('health')
        ? [{ ...health, checks: [planted(name.slice('health '.length))] }]
        : [],
    scenarios: [{ ...scenario, name, checks: [planted('anything')] }],
  })
  const planted = (name: string): Check => ({ name, verdict: 'FAIL', detail: 'planted' })

  /** What fails when this does. */
  for (const [at, evidence] of [
    [0, 'functional'],
    [1, 'protections'],
    [2, 'reserve-race'],
    [3, 'reserve-race-serializable'],
    [4, 'ticketing-flow'],
    [5, 'judgement'],
    [6, 'hold-churn'],
    [7, 'webhook-burst'],
    [8, 'health server_error: at most 0.1 % of all calls'],
    [8, 'health answer times: checkout'],
    [9, 'health no deadlock'],
    [9, 'health no statement ran for more than 1 s'],
  ] as const)
    it(`point ${at + 1} fails with ${evidence}: ${names[at]}`, () => {
      const points = readinessOf(with_(evidence))
      assert.equal(points.length, 10)
      assert.equal(points[at]?.verdict, 'FAIL')
      assert.match(points[at]?.evidence ?? '', /planted/)
    })

  it('a point of which nothing ran is not shown', () => {
    const points = readinessOf({ ...PASSING, stages: [], scenarios: [] })
    assert.ok(points.every(({ verdict }) => verdict === 'NOT SHOWN'))
  })
})

test("the server's figures are read from Prometheus' text, and those of a stranger are none", () => {
  const text = `# HELP admit_once_requests_total Requests answered.
admit_once_requests_total{route="/a\\"b",method="POST",status="200",code=""} 5
admit_once_requests_total{route="/x",method="POST",status="409",code="INSUFFICIENT_TICKETS"} 7
admit_once_errors_total{kind="server_error"} 2
admit_once_pool_connections{pool="buyers"} 3
admit_once_pool_connections{pool="gates"} 4
admit_once_pool_connections_idle{pool="gates"} 4
process_resident_memory_bytes 1.5e+8`
  assert.deepEqual(figuresIn(text), {
    requests: 12,
    statuses: { 200: 5, 409: 7 },
    codes: { INSUFFICIENT_TICKETS: 7 },
    errors: { server_error: 2 },
    rssBytes: 150_000_000,
    heapBytes: 0,
    pool: { open: 7, idle: 4, waiting: 0 },
  })
  assert.equal(figuresIn('<html>hello</html>'), undefined)
})

test('the limits of the scripts are the targets of the proof', () => {
  const script = readFileSync(new URL('../../load-tests/config/thresholds.ts', import.meta.url), 'utf8')
  for (const { trend, target, scenario } of ANSWER_TIMES) {
    if (trend === undefined || target === undefined) continue
    const { p50, p90, p99 } = target
    const key = /^\w+$/.test(trend) ? trend : `'${trend}'`
    assert.ok(script.includes(`${key}: aims(${p50}, ${p90}, ${p99}),`), `${scenario}: ${trend}`)
  }
})
