import type { DatabaseHealth, GeneratorHealth, StatementHealth, TableHealth } from '../measures.ts'
import type { Check, ScenarioResult, Verdict } from '../results.ts'

/** What health is judged by. A slow machine is given `patience` times as long. */
const LIMITS = {
  statementMs: 1_000,
  lockWaitMs: 1_000,
  /** Who waits for a lock gives up after 5 s: whoever waits longer has no such bound. */
  lockTimeoutMs: 5_000,
  connectionsShare: 0.8,
  transactionMs: 30_000,
  deadRows: 50_000,
  deadShare: 0.5,
  eventLoopDelayMs: 250,
  generatorShare: 0.8,
} as const

const LOCK_SLACK_MS = 1_000

/** A scenario with what was seen of database and generator while it ran. */
export type Watched = Pick<ScenarioResult, 'name' | 'health' | 'generator'>

/** Of all that was watched, each rule looks at the worst. Unhealthy: the run shows less than it seems to, so INCONCLUSIVE. */
export function databaseChecks(watched: readonly Watched[], patience: number): readonly Check[] {
  const seen = watched.flatMap(({ name, health }) => (health === undefined ? [] : [{ name, health }]))
  const worst = (figure: (health: DatabaseHealth) => number) =>
    seen.toSorted((a, b) => figure(b.health) - figure(a.health))[0]
  if (seen.length === 0) return []
  return [
    statementCheck(
      worst(({ statement }) => statement?.ms ?? 0),
      LIMITS.statementMs * patience,
    ),
    lockWaitCheck(
      worst(({ lockWait }) => lockWait?.ms ?? 0),
      Math.max(...seen.map(({ health }) => health.lockWaitsMax)),
      patience,
    ),
    connectionsCheck(worst(connectionsShare)),
    transactionCheck(worst(({ oldestTransactionMs }) => oldestTransactionMs)),
  ]
}

type Seen = { readonly name: string; readonly health: DatabaseHealth } | undefined

function statementCheck(seen: Seen, msMax: number): Check {
  const { ms = 0, statement = '' } = seen?.health.statement ?? {}
  return {
    name: `no statement ran for more than ${seconds(msMax)}`,
    verdict: ms <= msMax ? 'PASS' : 'INCONCLUSIVE',
    detail: `the longest that a sample found: ${seconds(ms)} in ${seen?.name}`,
    ...(ms <= msMax ? {} : { witness: statement }),
  }
}

function lockWaitCheck(seen: Seen, atOnce: number, patience: number): Check {
  const { ms = 0, statement = '' } = seen?.health.lockWait ?? {}
  const msMax = LIMITS.lockWaitMs * patience
  const verdict: Verdict =
    ms > LIMITS.lockTimeoutMs + LOCK_SLACK_MS ? 'FAIL' : ms > msMax ? 'INCONCLUSIVE' : 'PASS'
  return {
    name: `nobody waited for a lock for more than ${seconds(msMax)}, nor ever beyond lock_timeout`,
    verdict,
    detail: `the longest: ${seconds(ms)} in ${seen?.name}; at most ${atOnce} waited at once`,
    ...(verdict === 'PASS' ? {} : { witness: statement }),
  }
}

/** Locks are taken in one order, so that there is none. `total`: of the main database, those that no scenario saw among them. */
export function deadlockCheck(watched: readonly Watched[], total: number): Check {
  const found = watched.filter(({ health }) => (health?.deadlocks ?? 0) > 0)
  const those = found.map(({ name, health }) => `${health?.deadlocks} in ${name}`)
  const isNone = found.length === 0 && total === 0
  return {
    name: 'no deadlock',
    verdict: isNone ? 'PASS' : 'FAIL',
    detail: isNone ? 'none was counted' : [`${total} in the main database`, ...those].join(', '),
  }
}

/** Connections of pgbench are the attack, not what a sale needs. */
function connectionsShare(health: DatabaseHealth): number {
  return (health.connectionsMax - health.generatorConnections) / Math.max(1, health.connectionsAllowed)
}

function connectionsCheck(seen: Seen): Check {
  const share = seen === undefined ? 0 : connectionsShare(seen.health)
  const { connectionsMax = 0, generatorConnections = 0, connectionsAllowed = 0 } = seen?.health ?? {}
  return {
    name: `at most ${percent(LIMITS.connectionsShare)} of max_connections in use, those of pgbench left out`,
    verdict: share <= LIMITS.connectionsShare ? 'PASS' : 'INCONCLUSIVE',
    detail: `${connectionsMax - generatorConnections} of ${connectionsAllowed} in ${seen?.name}, ${generatorConnections} more of pgbench`,
  }
}

function transactionCheck(seen: Seen): Check {
  const { oldestTransactionMs = 0, oldestSnapshotXids = 0 } = seen?.health ?? {}
  return {
    name: `no transaction was open for more than ${seconds(LIMITS.transactionMs)}`,
    verdict: oldestTransactionMs <= LIMITS.transactionMs ? 'PASS' : 'INCONCLUSIVE',
    detail: `the oldest: ${seconds(oldestTransactionMs)} in ${seen?.name}; its oldest snapshot was ${oldestSnapshotXids} transactions old`,
  }
}

/** Bloat: a table of which more is dead than alive, and much of it. */
export function tableCheck(tables: readonly TableHealth[]): Check {
  const share = ({ live, dead }: TableHealth) => dead / Math.max(1, live + dead)
  const bloated = tables.filter((table) => table.dead > LIMITS.deadRows && share(table) > LIMITS.deadShare)
  const most = bloated[0] ?? tables[0]
  return {
    name: `no table has more than ${LIMITS.deadRows.toLocaleString('en')} dead rows, and more of them than living ones`,
    verdict: bloated.length === 0 ? 'PASS' : 'INCONCLUSIVE',
    detail:
      most === undefined
        ? 'no table has a row'
        : `${most.name}: ${most.dead} dead, ${most.live} living, last vacuumed ${most.lastVacuum ?? 'never'}`,
  }
}

/** pg_stat_statements has them all, also those between two samples. */
export function statementsCheck(statements: readonly StatementHealth[] | null, patience: number): Check {
  const msMax = LIMITS.statementMs * patience
  const slow = (statements ?? []).filter(({ maxMs }) => maxMs > msMax)
  const [most] = statements ?? []
  return {
    name: `pg_stat_statements has no call of more than ${seconds(msMax)}`,
    verdict: slow.length === 0 ? 'PASS' : 'INCONCLUSIVE',
    detail:
      statements === null
        ? 'not in this database: the samples are all there is'
        : most === undefined
          ? 'no statement was counted'
          : `the longest of all calls: ${seconds(most.maxMs)}`,
    ...(slow.length === 0 ? {} : { witness: slow }),
  }
}

/** A generator that had no time measures itself. */
export function generatorChecks(watched: readonly Watched[], cores: number): readonly Check[] {
  const seen = watched.flatMap(({ name, generator }) =>
    generator === undefined ? [] : [{ name, generator }],
  )
  if (seen.length === 0) return []
  const worst = (figure: (generator: GeneratorHealth) => number) =>
    seen.toSorted((a, b) => figure(b.generator) - figure(a.generator))[0]
  const delayed = worst(({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms ?? 0)
  const busy = worst(({ cpuCores }) => cpuCores ?? 0)
  const delay = delayed?.generator.eventLoopDelayP99Ms ?? 0
  const share = (busy?.generator.cpuCores ?? 0) / cores
  const dropped = seen.filter(({ generator }) => generator.droppedIterations > 0)
  const droppedCounts = dropped.map(({ name, generator }) => `${generator.droppedIterations} in ${name}`)
  const isSilent = seen.every(({ generator }) => generator.cpuCores === null)
  return [
    {
      name: 'the load generator dropped no iteration',
      verdict: dropped.length === 0 ? 'PASS' : 'INCONCLUSIVE',
      detail: droppedCounts.join(', ') || `none in ${seen.length} scenarios`,
    },
    {
      name: `its event loop was at most ${LIMITS.eventLoopDelayMs} ms late (p99)`,
      verdict: delay <= LIMITS.eventLoopDelayMs ? 'PASS' : 'INCONCLUSIVE',
      detail: isSilent ? 'k6 has none' : `${delay.toFixed(0)} ms in ${delayed?.name}`,
    },
    {
      name: `it took at most ${percent(LIMITS.generatorShare)} of the machine's ${cores} cores`,
      verdict: share <= LIMITS.generatorShare ? 'PASS' : 'INCONCLUSIVE',
      detail: isSilent ? 'k6 does not say' : `${percent(share)} in ${busy?.name}`,
    },
  ]
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}
