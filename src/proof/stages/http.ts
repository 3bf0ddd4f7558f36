import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { shownBy } from '../../core/guarantees.ts'
import type { LoadRun } from '../../load/engine.ts'
import { type Fixture, makeFixture, ordersFileOf, ticketsFileOf } from '../fixtures/fixtures.ts'
import type { Run, RunningServer, Stage } from '../proof.ts'
import type { Check, Latency, ScenarioResult } from '../results.ts'
import { againOf, verdictOf } from '../scenario.ts'
import { STORIES } from '../scenarios/index.ts'
import { ranToItsEnd, type Story, toldIn } from '../scenarios/story.ts'
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

/** Far beyond any profile: what takes longer hangs. */
const LOAD_MS_MAX = 300_000

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
  const env = {
    ...(await run.variablesOf(fixture, server.url)),
    PATIENCE: String(run.profile.patience),
    ...story.env(run),
    ...files,
  }
  const [load, samples] = await sampleStock(run.workbench.main, fixture.tierId, () =>
    run.engines.http.run({
      script: fileURLToPath(new URL(`../../../load-tests/scenarios/${story.name}.ts`, import.meta.url)),
      env,
      timeoutMs: LOAD_MS_MAX,
      signal: run.signal,
      onProgress: ({ iterations }) => note(`${iterations} done. ${story.story}`),
    }),
  )
  return resultOf(run, story, fixture, load, samples)
}

/** The folder for the script's summary, and the data files that some scripts open. */
async function filesFor(run: Run, story: Story, fixture: Fixture): Promise<Record<string, string>> {
  const results = join(run.folder, story.name)
  await mkdir(results, { recursive: true })
  const write = async (variable: string, name: string, text: string) => {
    await writeFile(join(results, name), text)
    return { [variable]: join(results, name) }
  }
  return {
    RESULTS_DIR: results,
    ...(fixture.tickets.length === 0
      ? {}
      : await write('TEST_TICKETS_FILE', 'test-tickets.json', ticketsFileOf(fixture))),
    ...(fixture.orders.length === 0
      ? {}
      : await write('WEBHOOK_ORDERS_FILE', 'webhook-orders.json', ordersFileOf(fixture))),
  }
}

async function resultOf(
  run: Run,
  story: Story,
  fixture: Fixture,
  load: LoadRun,
  samples: readonly Sample[],
): Promise<ScenarioResult> {
  const counted = (metric: string) => toldIn(load, metric)
  const mustHaveHappened = Object.entries(story.mustHaveHappened).map(([metric, what]) => ({
    what,
    times: counted(metric),
  }))
  const reproduce = againOf(run, story.name)
  const checks = [
    ...(await story.witness(run, fixture, load)),
    ...engineChecks(story, load),
    ...mustHaveHappened.map(
      ({ what, times }): Check => ({
        name: `it happened: ${what}`,
        verdict: times > 0 ? 'PASS' : 'INCONCLUSIVE',
        detail: `${times} times`,
      }),
    ),
  ].map((check): Check => (check.verdict === 'PASS' ? check : { ...check, reproduce }))
  const requests = counted('http_reqs')
  return {
    name: story.name,
    story: story.story,
    guarantees: shownBy(story.name),
    engine: load.engine,
    engineVersion: load.engineVersion,
    file: `load-tests/scenarios/${story.name}.ts`,
    command: byHandOf(run, story),
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
    stock: story.stock === undefined ? null : { total: story.stock, taken: [...samples] },
    checks,
  }
}

/** The script on a server of one's own, with what this run made and set for it. */
function byHandOf(run: Run, story: Story): string {
  const options = Object.entries(story.fixture(run))
    .filter(([name]) => FIXTURE_FLAGS.includes(name))
    .map(([name, value]) => ` --${name} ${value}`)
  const env = Object.entries({ PATIENCE: run.profile.patience, ...story.env(run) })
  const script = `load-tests/scenarios/${story.name}.ts`
  return (
    `eval "$(npx admit-once fixtures ${story.name} --data load-tests/data${options.join('')})" && ` +
    `${env.map(([name, value]) => `${name}=${value}`).join(' ')} k6 run ${script}`
  )
}

const FIXTURE_FLAGS = ['stock', 'tickets', 'orders']

const EVENT_LOOP_DELAY_MS_MAX = 250

function engineChecks(story: Story, load: LoadRun): Check[] {
  const delay = load.generator.eventLoopDelayP99Ms
  return [
    {
      // A generator that broke has shown nothing, neither that a promise holds nor that it does not.
      name: 'the script ran to its end',
      verdict: ranToItsEnd(load) ? 'PASS' : 'INCONCLUSIVE',
      detail: ranToItsEnd(load)
        ? `exit ${load.exitCode}`
        : `exit ${load.exitCode}: ${load.output.slice(-800)}`,
    },
    thresholdsCheck(story, load),
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

/**
 * A threshold is broken by what happened; one on something that must happen and never did is a run that shows nothing, and so is
 * one on a generator that could not keep up.
 */
function thresholdsCheck(story: Story, load: LoadRun): Check {
  const broken = load.thresholds.filter((threshold) => !threshold.ok)
  const happened = ({ metric }: { metric: string }) =>
    metric !== 'dropped_iterations' && (!(metric in story.mustHaveHappened) || toldIn(load, metric) > 0)
  const shown = ranToItsEnd(load) && load.thresholds.length > 0
  return {
    name: 'every threshold is met',
    verdict: shown && broken.length === 0 ? 'PASS' : shown && broken.some(happened) ? 'FAIL' : 'INCONCLUSIVE',
    detail:
      broken.map(({ metric, threshold }) => `${metric} ${threshold}`).join(', ') ||
      `${load.thresholds.length} of ${load.thresholds.length}`,
  }
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
