import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoadRun } from '../../load/engine.ts'
import { type Fixture, makeFixture, ordersFileOf, ticketsFileOf } from '../fixtures/fixtures.ts'
import { trendsOf } from '../health/answer-times.ts'
import { watchDatabase } from '../health/monitor.ts'
import { readServer } from '../health/server.ts'
import type { Recorder } from '../history/recorder.ts'
import type { GeneratorHealth } from '../measures.ts'
import type { ScenarioResult } from '../results.ts'
import type { Report, Run, RunningServer } from '../run.ts'
import { commandByHand } from '../scenarios/commands.ts'
import { counterOf, type Scenario, scriptOf } from '../scenarios/scenario.ts'
import { scenarioResult } from '../scenarios/scenario-result.ts'
import { latencyOf, loadChecks } from './http-load.ts'
import { type Reading, type Sample, sampleStock } from './stock-samples.ts'

/** One scenario on a server of the run's main database; `recorder` takes down what its users do, where the script says it. */
export async function runOnServer(
  run: Run,
  server: RunningServer,
  scenario: Scenario,
  report: Report,
  recorder?: Recorder,
): Promise<ScenarioResult> {
  const fixture = await makeFixture(run.databases.main.client, scenario.name, scenario.fixture(run))
  const env = {
    ...(await run.variablesOf(fixture, server.url)),
    PATIENCE: String(run.profile.patience),
    ...scenario.env(run),
    ...(await filesFor(run, scenario, fixture)),
    ...(recorder === undefined ? {} : { HISTORY: '1' }),
  }
  const consoleFile = recorder && join(run.folder, scenario.name, 'console.log')
  const readings: Reading[] = []
  const [[load, samples], health] = await watchDatabase(run.databases.main, () =>
    sampleStock(
      run.databases.main,
      fixture,
      () => loadServer(run, scenario, { env, consoleFile }, report),
      (reading) => readings.push(reading),
    ),
  )
  if (recorder !== undefined && consoleFile !== undefined)
    await recordScenario(recorder, fixture, consoleFile, readings)
  await keepFigures(run, server, env)
  return { ...(await resultOf(run, scenario, fixture, load, samples)), health }
}

/** What the server counts since it started: the last reading has it all. */
async function keepFigures(run: Run, { url }: RunningServer, env: Record<string, string>): Promise<void> {
  const figures = await readServer(url, env['SUPABASE_SERVICE_ROLE_KEY'] ?? '')
  if (figures !== undefined) run.servers.set(url, figures)
}

/** Timeout of one script, far beyond any profile. */
const LOAD_MS_MAX = 300_000

function loadServer(
  run: Run,
  scenario: Scenario,
  given: { readonly env: Record<string, string>; readonly consoleFile: string | undefined },
  report: Report,
): Promise<LoadRun> {
  return run.engines.http.run({
    script: fileURLToPath(new URL(`../../../${scriptOf(scenario)}`, import.meta.url)),
    ...given,
    timeoutMs: LOAD_MS_MAX,
    signal: run.signal,
    onProgress: ({ iterations }) => report(`${iterations} done. ${scenario.story}`),
  })
}

/** What the script's users did, and what was read of the counters beside them. A script that records nothing leaves no trace. */
async function recordScenario(
  recorder: Recorder,
  { eventId }: Fixture,
  consoleFile: string,
  readings: readonly Reading[],
): Promise<void> {
  const operations = await recorder.readConsole(consoleFile)
  await rm(consoleFile, { force: true })
  if (operations === 0) return
  recorder.keepLedger(eventId)
  const offset = recorder.now() - performance.now()
  for (const { of, taken, call, returned } of readings)
    recorder.record('watcher', {
      operation: 'watch',
      asked: of,
      answered: { taken },
      call: call + offset,
      return: returned + offset,
      status: 200,
    })
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

export async function resultOf(
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
    generator: generatorOf(load),
    ...trendsIn(scenario, load),
    ...(load.timeline.length === 0 ? {} : { timeline: [...load.timeline] }),
  })
}

function generatorOf({ generator }: LoadRun): GeneratorHealth {
  const { droppedIterations, eventLoopDelayP99Ms, cpuCores } = generator
  return { droppedIterations, eventLoopDelayP99Ms, cpuCores }
}

function trendsIn({ name }: Scenario, load: LoadRun): Pick<ScenarioResult, 'trendsMs'> {
  const trends = trendsOf(name).flatMap((trend) => {
    const latency = latencyOf(load.metrics[trend])
    return latency === null || latency.count === 0 ? [] : [[trend, latency] as const]
  })
  return trends.length === 0 ? {} : { trendsMs: Object.fromEntries(trends) }
}

function outcomesIn({ outcomes }: Scenario, load: LoadRun): Record<string, number> {
  const counters = Object.entries(outcomes).map(([metric, code]) => [code, counterOf(load, metric)] as const)
  return Object.fromEntries(counters.filter(([, times]) => times > 0))
}
