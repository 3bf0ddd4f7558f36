import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Fixture, type FixtureName, type FixtureOptions, makeFixture } from '../fixtures.ts'
import { type LoadRun, runScenario } from '../k6/run.ts'
import type { Run, RunningServer, Stage } from '../proof.ts'
import type { Check, Latency, ScenarioResult } from '../results.ts'
import { verdictOf } from '../scenario.ts'
import { type Sample, sampleStock } from '../stock.ts'

/** Buyers and scanners over HTTP: k6 where it is there, else the built-in runner of the same scripts. */
export const httpStage: Stage = {
  name: 'http',
  title: 'HTTP load',
  skip: (run) => (asked(run).length === 0 ? 'another scenario was asked for' : undefined),
  work: async (run, note) => {
    note('starting a server')
    const server = await run.startServer(run.workbench.main.url)
    try {
      const checks: Check[] = []
      for (const story of asked(run)) {
        note(story.story)
        const result = await tell(run, server, story, note)
        run.scenarios.push(result)
        checks.push(...result.checks.map((check) => ({ ...check, name: `${story.name}: ${check.name}` })))
      }
      return checks
    } finally {
      await server.stop()
    }
  },
}

interface Story {
  readonly name: FixtureName
  readonly story: string
  readonly guarantees: readonly string[]
  readonly fixture: (run: Run) => FixtureOptions
  readonly env: (run: Run) => Record<string, string>
  /** Metrics that count answers, by the code that the report shows them under. */
  readonly outcomes: Readonly<Record<string, string>>
  /** What must have happened, as metric and words. */
  readonly mustHaveHappened: Readonly<Record<string, string>>
  /** What the database must say afterwards, beside what the callers were told. */
  readonly witness: (run: Run, fixture: Fixture, load: LoadRun) => Promise<Check[]>
}

const STORIES: readonly Story[] = [
  {
    name: 'concurrent-checkout',
    story: 'Two hundred buyers press "buy" at the same moment, and there are fifty tickets.',
    guarantees: ['never-oversold', 'never-undersold'],
    fixture: () => ({}),
    env: (run) => ({ USERS: String(run.profile.buyers), STOCK: '50' }),
    outcomes: {
      successful_checkouts: 'success',
      sold_out_answers: 'INSUFFICIENT_TICKETS',
      unexpected_answers: 'unexpected',
    },
    mustHaveHappened: {
      successful_checkouts: 'tickets sold',
      sold_out_answers: 'buyers told that it is sold out',
    },
    witness: async (run, fixture, load) => {
      const sold = await count(
        run,
        `select count(*)::int as n from tickets where tier_id = $1 and status = 'valid'`,
        fixture.tierId,
      )
      const told = load.metrics['successful_checkouts']?.['count'] ?? 0
      return [
        {
          name: '50 of 50 tickets are sold, never 51, never 49 while buyers remain',
          verdict: sold === 50 ? 'PASS' : 'FAIL',
          detail: `${sold} tickets in the database`,
          reproduce: load.command,
        },
        {
          name: 'who was told "sold" has a ticket, and nobody else has',
          verdict: sold === told ? 'PASS' : 'FAIL',
          detail: `${told} buyers were told so, ${sold} tickets exist`,
          reproduce: load.command,
        },
      ]
    },
  },
  {
    name: 'scanner-burst',
    story: 'Ten scanners scan tickets of their own, then all ten scan one ticket at the same moment.',
    guarantees: ['admitted-once'],
    fixture: (run) => ({ tickets: run.profile.scannerTickets }),
    env: (run) => ({
      SCAN_PAUSE_S: String(run.profile.scannerPause),
      RACE_START: `${run.profile.raceStart}s`,
    }),
    outcomes: {
      admitted: 'success',
      race_admitted: 'success (race)',
      race_refused: 'ALREADY_USED',
      unexpected_answers: 'unexpected',
    },
    mustHaveHappened: { race_admitted: 'race won', race_refused: 'races lost' },
    witness: async (run, fixture, load) => {
      const race = fixture.raceTicket?.id ?? ''
      const admitted = await count(
        run,
        'select count(*)::int as n from scan_logs where ticket_id = $1 and scan_success',
        race,
      )
      const refused = await count(
        run,
        'select count(*)::int as n from scan_logs where ticket_id = $1 and not scan_success',
        race,
      )
      return [
        {
          name: '1 of 10 scanners admitted, the other 9 were told',
          verdict: admitted === 1 && refused === 9 ? 'PASS' : 'FAIL',
          detail: `${admitted} successful and ${refused} refused scans of the one ticket`,
          reproduce: load.command,
        },
      ]
    },
  },
]

const SLACK_MS = 120_000

function asked(run: Run): readonly Story[] {
  return STORIES.filter((story) => run.only.length === 0 || run.only.includes(story.name))
}

async function tell(
  run: Run,
  server: RunningServer,
  story: Story,
  note: (text: string) => void,
): Promise<ScenarioResult> {
  const { client } = run.workbench.main
  const fixture = await makeFixture(client, story.name, story.fixture(run))
  const files = await filesFor(run, story, fixture)
  const env = { ...(await run.variablesOf(fixture, server.url)), ...story.env(run), ...files }
  const engine = run.tools.k6 === undefined ? 'built-in' : 'k6'
  const stock = await sampleStock(run.workbench.main, fixture.tierId)
  const load = await runScenario({
    script: fileURLToPath(new URL(`../../../load-tests/scenarios/${story.name}.ts`, import.meta.url)),
    env,
    engine,
    ...(run.tools.k6 === undefined ? {} : { k6Path: run.tools.k6.path }),
    timeoutMs: SLACK_MS + run.profile.raceStart * 1000,
    onProgress: ({ iterations }) => note(`${story.story} ${iterations} done`),
  }).finally(() => stock.stop())
  return resultOf(run, story, fixture, load, await stock.samples())
}

/** The folder for the script's summary, and the data file that scanners open. */
async function filesFor(run: Run, story: Story, fixture: Fixture): Promise<Record<string, string>> {
  const results = join(run.folder, story.name)
  await mkdir(results, { recursive: true })
  if (fixture.tickets.length === 0) return { RESULTS_DIR: results }
  const file = join(results, 'test-tickets.json')
  const tickets = fixture.tickets.map(({ id, event_id }) => ({ id, event_id, type: 'valid' }))
  await writeFile(file, JSON.stringify({ tickets, raceTestTicket: { id: fixture.raceTicket?.id } }))
  return { RESULTS_DIR: results, TEST_TICKETS_FILE: file }
}

async function resultOf(
  run: Run,
  story: Story,
  fixture: Fixture,
  load: LoadRun,
  samples: readonly Sample[],
): Promise<ScenarioResult> {
  const counted = (metric: string) => load.metrics[metric]?.['count'] ?? 0
  const mustHaveHappened = Object.entries(story.mustHaveHappened).map(([metric, what]) => ({
    what,
    times: counted(metric),
  }))
  const checks = [
    ...(await story.witness(run, fixture, load)),
    ...engineChecks(load),
    ...mustHaveHappened.map(
      ({ what, times }): Check => ({
        name: `it happened: ${what}`,
        verdict: times > 0 ? 'PASS' : 'INCONCLUSIVE',
        detail: `${times} times`,
      }),
    ),
  ]
  const requests = counted('http_reqs')
  return {
    name: story.name,
    story: story.story,
    guarantees: [...story.guarantees],
    engine: load.engine,
    engineVersion: load.engineVersion,
    file: `load-tests/scenarios/${story.name}.ts`,
    command: load.command,
    verdict: verdictOf(checks),
    durationMs: load.durationMs,
    requests,
    perSecond: load.metrics['http_reqs']?.['rate'] ?? 0,
    latencyMs: latencyOf(load.metrics['http_req_duration']),
    outcomes: Object.fromEntries(
      Object.entries(story.outcomes)
        .map(([metric, code]) => [code, counted(metric)] as const)
        .filter(([, times]) => times > 0),
    ),
    mustHaveHappened,
    thresholds: [...load.thresholds],
    stock:
      fixture.tickets.length === 0 ? { total: run.profile.buyers === 0 ? 0 : 50, taken: [...samples] } : null,
    checks,
  }
}

const EVENT_LOOP_DELAY_MS_MAX = 250

function engineChecks(load: LoadRun): Check[] {
  const broken = load.thresholds.filter((threshold) => !threshold.ok)
  const delay = load.generator.eventLoopDelayP99Ms
  return [
    {
      name: 'the script ran to its end',
      verdict: load.exitCode === 0 || load.exitCode === 99 ? 'PASS' : 'FAIL',
      detail: load.exitCode === 0 || load.exitCode === 99 ? `exit ${load.exitCode}` : load.output.slice(-800),
      reproduce: load.command,
    },
    {
      name: 'every threshold is met',
      verdict: broken.length === 0 && load.thresholds.length > 0 ? 'PASS' : 'FAIL',
      detail:
        broken.map(({ metric, threshold }) => `${metric} ${threshold}`).join(', ') ||
        `${load.thresholds.length} of ${load.thresholds.length}`,
      reproduce: load.command,
    },
    {
      name: 'the load generator kept up',
      verdict:
        load.generator.droppedIterations === 0 && (delay ?? 0) <= EVENT_LOOP_DELAY_MS_MAX
          ? 'PASS'
          : 'INCONCLUSIVE',
      detail: `${load.generator.droppedIterations} iterations dropped${delay === null ? '' : `, event-loop delay p99 ${delay.toFixed(0)} ms`}`,
    },
  ]
}

function latencyOf(trend: Readonly<Record<string, number>> | undefined): Latency | null {
  if (trend === undefined) return null
  const at = (statistic: string) => trend[statistic] ?? 0
  return {
    p50: trend['p(50)'] ?? at('med'),
    p90: at('p(90)'),
    p95: at('p(95)'),
    p99: at('p(99)'),
    p999: trend['p(99.9)'] ?? null,
    max: at('max'),
    count: at('count'),
  }
}

async function count(run: Run, sql: string, id: string): Promise<number> {
  return (await run.workbench.main.client.query<{ n: number }>(sql, [id])).rows[0]?.n ?? -1
}
