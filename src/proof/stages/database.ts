import { fileURLToPath } from 'node:url'
import { shownBy } from '../../core/guarantees.ts'
import type { PgbenchRun } from '../../load/engine.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import type { Run, Stage } from '../proof.ts'
import type { Check, ScenarioResult } from '../results.ts'
import { againOf, verdictOf } from '../scenario.ts'
import { holdChurn } from '../scenarios/database/hold-churn.ts'
import { reserveRace, reserveRaceSerializable } from '../scenarios/database/reserve-race.ts'
import type { DatabaseStory } from '../scenarios/database/story.ts'

/** Buyers at the database itself, without a server between: pgbench where it is there, else the built-in runner of its files. */
export const databaseStage: Stage = {
  name: 'database',
  title: 'Database concurrency',
  skip: (run) => (storiesOf(run).length === 0 ? 'another scenario was asked for' : undefined),
  work: async (run, note) => {
    const checks: Check[] = []
    for (const story of storiesOf(run)) {
      note(story.story)
      const result = await tell(run, story, note)
      run.scenarios.push(result)
      checks.push(...result.checks.map((check) => ({ ...check, name: `${story.name}: ${check.name}` })))
    }
    return checks
  },
}

const STORIES: readonly DatabaseStory[] = [reserveRace, reserveRaceSerializable, holdChurn]

/** What a run may be asked for by name. */
export const DATABASE_SCENARIOS = STORIES.map(({ name }) => name)

function storiesOf({ only }: Run): readonly DatabaseStory[] {
  return STORIES.filter(({ name }) => only.length === 0 || only.includes(name))
}

/** Connections that stay free for the server's own, the judges and superusers. */
const CONNECTIONS_SPARE = 10
/** A PostgreSQL as it is shipped takes 100 connections in all: 90 clients are as good as 100, a handful is another test. */
const CLIENTS_SHARE_MIN = 0.8
const SLACK_MS = 30_000
const TPS_MIN = 5
const LATENCY_MS_MAX = 1000

async function tell(run: Run, story: DatabaseStory, note: (text: string) => void): Promise<ScenarioResult> {
  const { client, url } = run.workbench.main
  // It stays: the judgement counts its rows.
  const { tierId } = await makeFixture(client, 'reserve-race', { slug: story.name, stock: story.stock })
  const asked = run.profile[story.size]
  const possible = (run.environment?.postgres.maxConnections ?? 100) - CONNECTIONS_SPARE
  const clients = Math.max(1, Math.min(asked.clients, possible))
  await story.prepare?.(client, tierId, asked.seconds)
  const load = await run.engines.database.run({
    file: fileURLToPath(new URL(`../../../${story.file}`, import.meta.url)),
    url,
    clients,
    threads: Math.min(asked.threads, clients),
    seconds: asked.seconds,
    maxTries: story.maxTries,
    seed: run.seed,
    defines: { tier_id: tierId },
    timeoutMs: asked.seconds * 1000 + SLACK_MS,
    signal: run.signal,
    onProgress: ({ seconds, tps }) =>
      note(`${seconds.toFixed(0)} of ${asked.seconds} s, ${tps.toFixed(0)} a second. ${story.story}`),
  })
  const judged = await story.judge(client, tierId, load)
  const reproduce = againOf(run, story.name)
  const checks = [
    ...judged.checks,
    ...loadChecks(run, load, asked.clients),
    ...judged.mustHaveHappened.map(
      ({ what, times }): Check => ({
        name: `it happened: ${what}`,
        verdict: times > 0 ? 'PASS' : 'INCONCLUSIVE',
        detail: `${times} times`,
      }),
    ),
  ].map((check) => ({ ...check, reproduce }))
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
      ...judged.outcomes,
      ...(load.failed.serialization > 0 ? { '40001': load.failed.serialization } : {}),
      ...(load.failed.deadlock > 0 ? { '40P01': load.failed.deadlock } : {}),
    },
    mustHaveHappened: [...judged.mustHaveHappened],
    thresholds: [],
    stock: null,
    checks,
  }
}

function loadChecks({ profile: { patience } }: Run, load: PgbenchRun, asked: number): Check[] {
  return [
    {
      name: 'no client died of an error',
      verdict: load.exitCode === 0 ? 'PASS' : 'FAIL',
      detail:
        load.exitCode === 0
          ? `${load.transactions} transactions by ${load.clients} clients`
          : deathsIn(load.output),
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
  ]
}

/** What ended the first clients; the report of the program, which comes after it, says only that some ended. */
function deathsIn(output: string): string {
  const deaths = output.split('\n').filter((line) => /aborted|ERROR/.test(line))
  return deaths.slice(0, DEATHS_SHOWN).join('\n') || output.slice(-500)
}

const DEATHS_SHOWN = 3
