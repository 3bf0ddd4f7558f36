import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoadRun } from '../../load/engine.ts'
import { type Fixture, makeFixture, ordersFileOf, ticketsFileOf } from '../fixtures/fixtures.ts'
import type { Check, ScenarioResult } from '../results.ts'
import { includesScenario, type Report, type Run, type RunningServer, type Stage } from '../run.ts'
import { HTTP_SCENARIOS } from '../scenarios/index.ts'
import { counterOf, type Scenario } from '../scenarios/scenario.ts'
import { checksByName, scenarioResult } from '../scenarios/scenario-result.ts'
import { latencyOf, loadChecks } from './http-load.ts'
import { type Sample, sampleStock } from './stock-samples.ts'

/** Load over HTTP: buyers, scanners and webhooks, by k6 where it is on the PATH, else by the built-in runner of the same scripts. */
export const httpStage: Stage = {
  name: 'http',
  title: 'HTTP load',
  skip: (run) => (scenariosOf(run).length === 0 ? 'another scenario was asked for' : undefined),
  work: async (run, report) => {
    report('starting a server')
    const server = await run.startServer(run.databases.main.url)
    try {
      const checks: Check[] = []
      for (const scenario of scenariosOf(run)) {
        report(scenario.story)
        const result = await runOnServer(run, server, scenario, report)
        run.scenarios.push(result)
        checks.push(...checksByName(result))
      }
      return checks
    } finally {
      await server.stop()
    }
  },
}

function scenariosOf(run: Run): readonly Scenario[] {
  return HTTP_SCENARIOS.filter(({ name }) => includesScenario(run, name))
}

async function runOnServer(
  run: Run,
  server: RunningServer,
  scenario: Scenario,
  report: Report,
): Promise<ScenarioResult> {
  const fixture = await makeFixture(run.databases.main.client, scenario.name, scenario.fixture(run))
  const env = {
    ...(await run.variablesOf(fixture, server.url)),
    PATIENCE: String(run.profile.patience),
    ...scenario.env(run),
    ...(await filesFor(run, scenario, fixture)),
  }
  const [load, samples] = await sampleStock(run.databases.main, fixture.tierId, () =>
    loadServer(run, scenario, env, report),
  )
  return resultOf(run, scenario, fixture, load, samples)
}

/** Timeout of one script, far beyond any profile. */
const LOAD_MS_MAX = 300_000

function loadServer(
  run: Run,
  scenario: Scenario,
  env: Record<string, string>,
  report: Report,
): Promise<LoadRun> {
  return run.engines.http.run({
    script: fileURLToPath(new URL(`../../../${scriptOf(scenario)}`, import.meta.url)),
    env,
    timeoutMs: LOAD_MS_MAX,
    signal: run.signal,
    onProgress: ({ iterations }) => report(`${iterations} done. ${scenario.story}`),
  })
}

function scriptOf({ name }: Scenario): string {
  return `load-tests/scenarios/${name}.ts`
}

/** The folder for the script's summary, and the data files that some scripts open. */
async function filesFor(run: Run, { name }: Scenario, fixture: Fixture): Promise<Record<string, string>> {
  const results = join(run.folder, name)
  await mkdir(results, { recursive: true })
  const write = async (variable: string, file: string, text: string) => {
    await writeFile(join(results, file), text)
    return { [variable]: join(results, file) }
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
  scenario: Scenario,
  fixture: Fixture,
  load: LoadRun,
  samples: readonly Sample[],
): Promise<ScenarioResult> {
  const { name, story, stock } = scenario
  return scenarioResult(run, {
    name,
    story,
    engine: load.engine,
    engineVersion: load.engineVersion,
    file: scriptOf(scenario),
    command: commandByHand(run, scenario),
    durationMs: load.durationMs,
    requests: counterOf(load, 'http_reqs'),
    perSecond: load.metrics['http_reqs']?.['rate'] ?? 0,
    latencyMs: latencyOf(load.metrics['http_req_duration']),
    outcomes: outcomesIn(scenario, load),
    mustHaveHappened: Object.entries(scenario.mustHaveHappened).map(([metric, what]) => ({
      what,
      times: counterOf(load, metric),
    })),
    thresholds: [...load.thresholds],
    stock: stock === undefined ? null : { total: stock, taken: [...samples] },
    checks: [...(await scenario.judge(run, fixture, load)), ...loadChecks(scenario, load)],
  })
}

function outcomesIn({ outcomes }: Scenario, load: LoadRun): Record<string, number> {
  const counters = Object.entries(outcomes).map(([metric, code]) => [code, counterOf(load, metric)] as const)
  return Object.fromEntries(counters.filter(([, times]) => times > 0))
}

/** How to run the script by hand against `admit-once start`, with this run's fixture and variables. */
function commandByHand(run: Run, scenario: Scenario): string {
  const options = Object.entries(scenario.fixture(run))
    .filter(([name]) => FIXTURE_FLAGS.includes(name))
    .map(([name, value]) => ` --${name} ${value}`)
  const env = Object.entries({ PATIENCE: run.profile.patience, ...scenario.env(run) })
  return (
    `eval "$(npx admit-once fixtures ${scenario.name} --data load-tests/data${options.join('')})" && ` +
    `${env.map(([name, value]) => `${name}=${value}`).join(' ')} k6 run ${scriptOf(scenario)}`
  )
}

const FIXTURE_FLAGS = ['stock', 'tickets', 'orders']
