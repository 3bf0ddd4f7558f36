import type { ReadinessPoint } from './measures.ts'
import { type Check, type Results, type StageResult, worst } from './results.ts'

/**
 * Production readiness, ten points, each evaluated from checks of this run and from nothing else. They follow what the levels of
 * the load-testing guide ask for; a point of which nothing ran is NOT SHOWN.
 */
export function readinessOf(results: Omit<Results, 'readiness'>): readonly ReadinessPoint[] {
  return POINTS.map(({ name, evidence }) => point(name, evidence(results)))
}

type Seen = Pick<Check, 'name' | 'verdict' | 'detail'>

interface Point {
  readonly name: string
  /** The checks that decide it. */
  readonly evidence: (results: Omit<Results, 'readiness'>) => readonly Seen[]
}

const POINTS: readonly Point[] = [
  {
    name: 'Functional stories in SQL pass, one session at a time',
    evidence: ofStage('functional'),
  },
  {
    name: 'Constraints, triggers and indexes are in place and would fire',
    evidence: ofStage('protections'),
  },
  {
    name: 'At the database nothing is oversold: pgbench, fast enough, no client dies',
    evidence: ofScenario('reserve-race'),
  },
  {
    name: 'Under SERIALIZABLE nothing is oversold, and losers are told to retry',
    evidence: ofScenario('reserve-race-serializable'),
  },
  {
    name: 'Over HTTP the whole ticketing flow holds its limits, nothing oversold, no 500',
    evidence: ofScenario('ticketing-flow'),
  },
  {
    name: 'After the load every invariant and every law holds',
    evidence: ofStage('judgement'),
  },
  {
    name: 'Holds end on time and their places are sold again',
    evidence: ofScenario('hold-churn', 'abandoned-carts'),
  },
  {
    name: 'One request, one answer: repeated keys and webhooks have one effect',
    evidence: ofScenario('ticketing-flow', 'webhook-burst', 'webhook-chaos'),
  },
  {
    name: 'Errors stay within their rates, answers within their times',
    evidence: (results) => ofHealth(results, /_(failure|error|expired|request)\b|^answer times/),
  },
  {
    name: 'The database stays healthy under load: statements, locks, connections, old transactions, dead rows',
    evidence: (results) =>
      ofHealth(results, /^(no statement|nobody waited|no deadlock|at most|no transaction|no table|pg_stat)/),
  },
]

function ofStage(name: StageResult['name']): Point['evidence'] {
  return ({ stages }) => stages.find((stage) => stage.name === name)?.checks ?? []
}

function ofScenario(...names: readonly string[]): Point['evidence'] {
  return ({ scenarios }) =>
    scenarios
      .filter(({ name }) => names.includes(name))
      .flatMap(({ name, checks }) => checks.map((check) => ({ ...check, name: `${name}: ${check.name}` })))
}

function ofHealth(results: Omit<Results, 'readiness'>, names: RegExp): readonly Seen[] {
  return ofStage('health')(results).filter(({ name }) => names.test(name))
}

function point(name: string, checks: readonly Seen[]): ReadinessPoint {
  if (checks.length === 0) return { name, verdict: 'NOT SHOWN', evidence: 'nothing of it ran in this run' }
  const verdict = worst(checks.map((check) => check.verdict))
  const open = checks.filter((check) => check.verdict !== 'PASS')
  const [first] = open
  const evidence =
    first === undefined
      ? `${checks.length} of ${checks.length} checks passed`
      : `${first.name} (${first.detail})${open.length === 1 ? '' : `, and ${open.length - 1} more`}`
  return { name, verdict, evidence }
}
