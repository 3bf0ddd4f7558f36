import { fileURLToPath } from 'node:url'
import { shownBy } from '../../core/guarantees.ts'
import { FIXTURES, makeFixture } from '../fixtures.ts'
import { type PgbenchRun, runPgbench } from '../pgbench/run.ts'
import type { Run, Stage } from '../proof.ts'
import type { Check, ScenarioResult } from '../results.ts'
import { againOf, verdictOf } from '../scenario.ts'

/** Buyers at the database itself, without a server between: pgbench where it is there, else the built-in runner of its files. */
export const databaseStage: Stage = {
  name: 'database',
  title: 'Database concurrency',
  skip: (run) =>
    run.only.length > 0 && !run.only.includes('reserve-race') ? 'another scenario was asked for' : undefined,
  work: async (run, note) => {
    const checks: Check[] = []
    for (const story of STORIES) {
      note(story.story)
      const result = await tell(run, story, note)
      run.scenarios.push(result)
      checks.push(...result.checks.map((check) => ({ ...check, name: `${story.name}: ${check.name}` })))
    }
    return checks
  },
}

interface Story {
  readonly name: string
  readonly story: string
  readonly file: string
  readonly size: 'reserve' | 'serializable'
  readonly maxTries: number
  /** The promise that everything sells is made under READ COMMITTED. */
  readonly sellsOut: boolean
}

const STORIES: readonly Story[] = [
  {
    name: 'reserve-race',
    story: 'Fifty buyers fight for ten tickets at the database.',
    file: 'database-tests/pgbench-reserve.sql',
    size: 'reserve',
    maxTries: 1,
    sellsOut: true,
  },
  {
    name: 'reserve-race-serializable',
    story:
      'A hundred buyers fight for ten tickets under SERIALIZABLE: none is sold twice, who loses is told to retry.',
    file: 'database-tests/pgbench-serializable.sql',
    size: 'serializable',
    maxTries: 3,
    sellsOut: false,
  },
]

/** Connections that stay free for the server's own, the judges and superusers. */
const CONNECTIONS_SPARE = 10
/** A PostgreSQL as it is shipped takes 100 connections in all: 90 clients are as good as 100, a handful is another test. */
const CLIENTS_SHARE_MIN = 0.8
const SLACK_MS = 30_000
const STOCK = FIXTURES['reserve-race'].stock
const TPS_MIN = 5
const LATENCY_MS_MAX = 1000

async function tell(run: Run, story: Story, note: (text: string) => void): Promise<ScenarioResult> {
  const { client, url } = run.workbench.main
  // It stays: the judgement counts its rows.
  const fixture = await makeFixture(client, 'reserve-race', { slug: story.name })
  const asked = run.profile[story.size]
  const possible = (run.environment?.postgres.maxConnections ?? 100) - CONNECTIONS_SPARE
  const clients = Math.max(1, Math.min(asked.clients, possible))
  const engine = run.tools.pgbench === undefined ? 'built-in' : 'pgbench'
  const load = await runPgbench({
    file: fileURLToPath(new URL(`../../../${story.file}`, import.meta.url)),
    url,
    engine,
    ...(run.tools.pgbench === undefined ? {} : { pgbenchPath: run.tools.pgbench.path }),
    clients,
    threads: Math.min(asked.threads, clients),
    seconds: asked.seconds,
    maxTries: story.maxTries,
    seed: run.seed,
    defines: { tier_id: fixture.tierId },
    timeoutMs: asked.seconds * 1000 + SLACK_MS,
    signal: run.signal,
    onProgress: ({ seconds, tps }) =>
      note(`${seconds.toFixed(0)} of ${asked.seconds} s, ${tps.toFixed(0)} a second. ${story.story}`),
  })
  const { rows } = await client.query<Hold>(HOLDS, [fixture.tierId])
  return resultOf(run, story, load, rows, asked.clients)
}

interface Hold {
  readonly id: string
  readonly tier_id: string
  readonly session_id: string
  readonly quantity: number
  readonly created_at: Date
}

const HOLDS = `select id, tier_id, session_id, quantity::int as quantity, created_at from ticket_holds
  where tier_id = $1 and status = 'active' order by created_at, id`

/** What ended the first clients; the report of the program, which comes after it, says only that some ended. */
function deathsIn(output: string): string {
  const deaths = output.split('\n').filter((line) => /aborted|ERROR/.test(line))
  return deaths.slice(0, DEATHS_SHOWN).join('\n') || output.slice(-500)
}

const DEATHS_SHOWN = 3

function resultOf(
  run: Run,
  story: Story,
  load: PgbenchRun,
  holds: readonly Hold[],
  asked: number,
): ScenarioResult {
  const { patience } = run.profile
  const reproduce = againOf(run, 'reserve-race')
  const held = holds.reduce((sum, hold) => sum + hold.quantity, 0)
  const retries = load.failed.serialization + load.failed.deadlock + load.retries
  const refused = load.transactions - held
  const mustHaveHappened = [
    { what: 'holds granted', times: held },
    story.sellsOut
      ? { what: 'buyers told that it is sold out', times: refused }
      : { what: 'losers told to retry (40001)', times: retries },
  ]
  const checks: Check[] = [
    {
      name: story.sellsOut
        ? `${STOCK} of ${STOCK} tickets are held`
        : `never more than ${STOCK} tickets are held`,
      verdict: held > STOCK || (story.sellsOut && held < STOCK) ? 'FAIL' : 'PASS',
      detail: `${held} held`,
      // Each hold has one ticket: the first one too many.
      ...(held > STOCK ? { witness: holds[STOCK] } : {}),
      reproduce,
    },
    {
      name: 'no client died of an error',
      verdict: load.exitCode === 0 ? 'PASS' : 'FAIL',
      detail:
        load.exitCode === 0
          ? `${load.transactions} transactions by ${load.clients} clients`
          : deathsIn(load.output),
      reproduce,
    },
    {
      name: `${asked} clients, or nearly as many, could connect`,
      verdict: load.clients >= asked * CLIENTS_SHARE_MIN ? 'PASS' : 'INCONCLUSIVE',
      detail: load.clients === asked ? `${asked} clients` : `${load.clients}: max_connections leaves no more`,
    },
    {
      name: `more than ${TPS_MIN / patience} transactions a second, under ${(LATENCY_MS_MAX * patience).toLocaleString('en')} ms on average`,
      verdict:
        load.tps > TPS_MIN / patience && load.latencyMs.avg < LATENCY_MS_MAX * patience ? 'PASS' : 'FAIL',
      detail: `${load.tps.toFixed(0)}/s, ${load.latencyMs.avg.toFixed(1)} ms`,
    },
    ...mustHaveHappened.map(
      ({ what, times }): Check => ({
        name: `it happened: ${what}`,
        verdict: times > 0 ? 'PASS' : 'INCONCLUSIVE',
        detail: `${times} times`,
      }),
    ),
  ]
  return {
    name: story.name,
    story: story.story,
    guarantees: shownBy(story.name),
    engine: load.engine,
    engineVersion: load.engineVersion,
    file: story.file,
    command: load.command,
    verdict: verdictOf(checks),
    durationMs: load.durationMs,
    requests: load.transactions,
    perSecond: load.tps,
    latencyMs: load.latencyMs,
    outcomes: {
      success: held,
      INSUFFICIENT_TICKETS: refused,
      ...(load.failed.serialization > 0 ? { '40001': load.failed.serialization } : {}),
      ...(load.failed.deadlock > 0 ? { '40P01': load.failed.deadlock } : {}),
    },
    mustHaveHappened,
    thresholds: [],
    stock: null,
    checks,
  }
}
