import { fileURLToPath } from 'node:url'
import type { PgbenchRun } from '../../load/engine.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import { watchDatabase } from '../health/monitor.ts'
import type { Check, ScenarioResult } from '../results.ts'
import { includesScenario, type Report, type Run, type Stage } from '../run.ts'
import { holdChurn } from '../scenarios/database/hold-churn.ts'
import { mixedSale } from '../scenarios/database/mixed-sale.ts'
import {
  reserveRace,
  reserveRacePooled,
  reserveRaceSerializable,
} from '../scenarios/database/reserve-race.ts'
import type { DatabaseScenario } from '../scenarios/database/scenario.ts'
import { checksByName, scenarioResult } from '../scenarios/scenario-result.ts'
import { chooseFrom } from './choose.ts'

/** Load at the database without a server: pgbench where it is on the PATH, else the built-in runner of the same files. */
export const databaseStage: Stage = {
  name: 'database',
  title: 'Database concurrency',
  level: 2,
  skip: (run) => (scenariosOf(run).length === 0 ? 'another scenario was asked for' : undefined),
  work: async (run, report, leaveOut) => {
    const checks: Check[] = []
    const { shown, leftOut } = await chooseFrom(run, scenariosOf(run))
    leftOut.forEach(leaveOut)
    for (const scenario of shown) {
      report(scenario.story)
      const result = await runOnTier(run, scenario, report)
      run.scenarios.push(result)
      checks.push(...checksByName(result))
    }
    return checks
  },
}

const SCENARIOS: readonly DatabaseScenario[] = [
  reserveRace,
  reserveRacePooled,
  reserveRaceSerializable,
  holdChurn,
  mixedSale,
]

/** What a run may be asked for by name. */
export const DATABASE_SCENARIOS = SCENARIOS.map(({ name }) => name)

function scenariosOf(run: Run): readonly DatabaseScenario[] {
  return SCENARIOS.filter(({ name }) => includesScenario(run, name))
}

/** Connections that stay free: the server's pool, the run's own, and those reserved for superusers. */
const CONNECTIONS_SPARE = 10
/** A stock PostgreSQL allows 100 connections: 90 clients test the same as 100, a handful does not. */
const CLIENTS_SHARE_MIN = 0.8
const SLACK_MS = 30_000
const TPS_MIN = 5
const LATENCY_MS_MAX = 1000

async function runOnTier(run: Run, scenario: DatabaseScenario, report: Report): Promise<ScenarioResult> {
  const { client } = run.databases.main
  // The fixture is not removed: the judgement counts its rows.
  const { tierId } = await makeFixture(client, 'reserve-race', { slug: scenario.name, stock: scenario.stock })
  await scenario.prepare?.(client, tierId, run.profile[scenario.size].seconds)
  const [load, health] = await watchDatabase(run.databases.main, () =>
    through(run, scenario, (url) => loadTier(run, scenario, { url, tierId }, report)),
  )
  const { checks, mustHaveHappened, outcomes } = await scenario.judge(client, tierId, load)
  return scenarioResult(run, {
    name: scenario.name,
    story: scenario.story,
    engine: load.engine,
    engineVersion: load.engineVersion,
    file: scenario.scripts.map(({ file }) => file).join(', '),
    durationMs: load.durationMs,
    requests: load.transactions,
    perSecond: load.tps,
    latencyMs: load.latencyMs,
    scripts: load.scripts.map((script, at) => ({
      ...script,
      file: scenario.scripts[at]?.file ?? script.file,
      statements: [...script.statements],
    })),
    outcomes: { ...outcomes, ...failuresIn(load) },
    mustHaveHappened,
    checks: [...checks, ...loadChecks(run, load, run.profile[scenario.size].clients)],
    health,
    ...(load.timeline.length === 0 ? {} : { timeline: [...load.timeline] }),
  })
}

/** Through the pooler where the scenario is about it; the clients are more than its connections. */
async function through(
  run: Run,
  { name, isPooled }: DatabaseScenario,
  work: (url: string) => Promise<PgbenchRun>,
): Promise<PgbenchRun> {
  if (isPooled === undefined) return work(run.databases.main.url)
  const pooler = await run.openPooler?.(run.databases.main.url)
  if (pooler === undefined) throw new Error(`${name} needs PgBouncer: install it, or give --pgbouncer a path`)
  try {
    const load = await work(pooler.url)
    return { ...load, engineVersion: `${load.engineVersion} through PgBouncer ${pooler.version}` }
  } finally {
    await pooler.close()
  }
}

interface Target {
  readonly url: string
  readonly tierId: string
}

function loadTier(
  run: Run,
  scenario: DatabaseScenario,
  { url, tierId }: Target,
  report: Report,
): Promise<PgbenchRun> {
  const { clients: wanted, threads, seconds } = run.profile[scenario.size]
  const connections = (run.environment?.postgres.maxConnections ?? 100) - CONNECTIONS_SPARE
  const possible = scenario.isPooled ? wanted : connections
  const clients = Math.max(1, Math.min(wanted, possible))
  return run.engines.database.run({
    scripts: scenario.scripts.map(({ file, weight }) => ({
      file: fileURLToPath(new URL(`../../../${file}`, import.meta.url)),
      weight,
    })),
    url,
    clients,
    threads: Math.min(threads, clients),
    seconds,
    maxTries: scenario.maxTries,
    seed: run.seed,
    defines: { tier_id: tierId },
    timeoutMs: seconds * 1000 + SLACK_MS,
    signal: run.signal,
    onProgress: (progress) =>
      report(
        `${progress.seconds.toFixed(0)} of ${seconds} s, ${progress.tps.toFixed(0)} a second. ${scenario.story}`,
      ),
  })
}

/** Transactions that ended in an error which may be retried, by SQLSTATE. */
function failuresIn({ failed }: PgbenchRun): Record<string, number> {
  return {
    ...(failed.serialization > 0 ? { '40001': failed.serialization } : {}),
    ...(failed.deadlock > 0 ? { '40P01': failed.deadlock } : {}),
  }
}

function loadChecks({ profile: { patience } }: Run, load: PgbenchRun, wanted: number): Check[] {
  return [
    {
      name: 'no client died of an error',
      verdict: load.exitCode === 0 ? 'PASS' : 'FAIL',
      detail:
        load.exitCode === 0
          ? `${load.transactions} transactions by ${load.clients} clients`
          : firstDeaths(load.output),
    },
    {
      name: `${wanted} clients, or nearly as many, could connect`,
      verdict: load.clients >= wanted * CLIENTS_SHARE_MIN ? 'PASS' : 'INCONCLUSIVE',
      detail:
        load.clients === wanted ? `${wanted} clients` : `${load.clients}: max_connections leaves no more`,
    },
    {
      name: `more than ${TPS_MIN / patience} transactions a second, under ${(LATENCY_MS_MAX * patience).toLocaleString('en')} ms on average`,
      verdict:
        load.tps > TPS_MIN / patience && load.latencyMs.avg < LATENCY_MS_MAX * patience ? 'PASS' : 'FAIL',
      detail: `${load.tps.toFixed(0)}/s, ${load.latencyMs.avg.toFixed(1)} ms`,
    },
  ]
}

/** The errors that ended the first clients: pgbench's closing report only says that some were aborted. */
function firstDeaths(output: string): string {
  const deaths = output.split('\n').filter((line) => /aborted|ERROR/.test(line))
  return deaths.slice(0, DEATHS_SHOWN).join('\n') || output.slice(-500)
}

const DEATHS_SHOWN = 3
