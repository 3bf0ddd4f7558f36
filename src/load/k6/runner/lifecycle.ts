import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import process from 'node:process'
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers'
import { execute } from './executors.ts'
import { handleSummary } from './handle-summary.ts'
import { confineGlobals, createInstance } from './instances.ts'
import { log } from './log.ts'
import { readOptions } from './options.ts'
import { callExport, closeConnections, createScenarioRun, fillPool, measureTraffic } from './scenario-run.ts'
import { plannedVUs, regularMs, type Scenario } from './scenarios.ts'
import { describe, type ExitCode, exitCodes, Stop } from './stop.ts'
import { type SummaryData, summarize } from './summary.ts'
import { elapsedMs, sample, type Test } from './test.ts'
import { defineThresholds, judge } from './thresholds.ts'
import { runTask } from './vu.ts'

/** What a run leaves: the summary, and how well the generator itself did. */
export interface RunResult {
  readonly exitCode: ExitCode | 0
  readonly data: SummaryData | undefined
  readonly generator: {
    readonly eventLoopDelayP99Ms: number
    /** Iteration durations from the moment an arrival rate meant them to start; null without such a scenario. */
    readonly fromIntendedStartMs: Readonly<Record<string, number>> | null
  }
}

/** Runs the test from the script's options to its summary. What goes wrong ends in the exit code that k6 would give. */
export async function runTest(test: Test, trendStats?: readonly string[]): Promise<RunResult> {
  confineGlobals()
  let health = { eventLoopDelayP99Ms: 0 }
  let initialized = false
  try {
    const runs = await initialize(test, trendStats)
    initialized = true
    health = await measure(test, () => perform(test, runs))
  } catch (error) {
    test.stop(error instanceof Stop ? error : new Stop(exitCodes.scriptException, describe(error)))
  }
  const durationMs = elapsedMs(test)
  const { breached } = judge(test.metrics, durationMs, true)
  if (test.stopped !== undefined) log('error', test.stopped.message)
  const data = initialized ? summarize(test, durationMs) : undefined
  if (data !== undefined) await handleSummary(test, data)
  if (breached.length > 0) log('error', `thresholds on metrics '${breached.join(', ')}' have been crossed`)
  return {
    exitCode: exitCodeOf(test, breached.length > 0),
    data,
    generator: { ...health, ...intendedStart(test) },
  }
}

const judgeEveryMs = 2000
const usersSampledEveryMs = 1000
const delayResolutionMs = 5
const overlapSlackMs = 1000
const intendedStats = ['avg', 'min', 'med', 'max', 'p(50)', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'count']

type ScenarioRuns = readonly ReturnType<typeof createScenarioRun>[]

async function initialize(test: Test, trendStats: readonly string[] | undefined): Promise<ScenarioRuns> {
  const { exports } = await createInstance(test, 0)
  const options = readOptions(exports['options'], (name) => typeof exports[name] === 'function')
  test.options = trendStats === undefined ? options : { ...options, summaryTrendStats: trendStats }
  test.metrics.find('http_req_duration{expected_response:true}')
  defineThresholds(test.metrics, options.thresholds)
  const pool = await fillPool(test, usersAtOnce(options.scenarios))
  return options.scenarios.map((scenario) => createScenarioRun(test, scenario, pool))
}

/** The most users that scenarios need at the same time. */
function usersAtOnce(scenarios: readonly Scenario[]): number {
  const spans = scenarios.map(({ startTimeMs, gracefulStopMs, plan }) => ({
    from: startTimeMs,
    to: startTimeMs + regularMs(plan) + gracefulStopMs + overlapSlackMs,
    users: plannedVUs(plan),
  }))
  const usersAt = (at: number) =>
    spans.reduce((sum, { from, to, users }) => sum + (from <= at && at < to ? users : 0), 0)
  return Math.max(0, ...spans.map(({ from }) => usersAt(from)))
}

async function perform(test: Test, runs: ScenarioRuns): Promise<void> {
  const { options } = test
  if (options === undefined) throw new Error('a test without options cannot run')
  if (options.noSetup !== true) {
    const data = await runStage(test, 'setup', undefined, options.setupTimeoutMs, exitCodes.setupTimeout)
    if (data !== undefined) test.setupJson = JSON.stringify(data, (_key, value: unknown) => value ?? null)
  }
  await Promise.all(runs.map((run) => runScenario(test, run)))
  if (options.noTeardown === true) return
  const data = test.setupJson === undefined ? undefined : JSON.parse(test.setupJson)
  await runStage(test, 'teardown', data, options.teardownTimeoutMs, exitCodes.teardownTimeout)
}

/** Runs `setup` or `teardown`, if the script has it, in a virtual user of its own. */
async function runStage(
  test: Test,
  name: string,
  data: unknown,
  timeoutMs: number,
  timeoutCode: ExitCode,
): Promise<unknown> {
  const user = await createInstance(test, 0)
  if (user.exports[name] === undefined) return undefined
  user.tags = { ...test.options?.tags, group: `::${name}` }
  const late = new Stop(timeoutCode, `${name}() took longer than ${timeoutMs} ms`)
  const timer = setTimeout(
    () => user.task?.finish({ kind: 'failed', error: late, rejected: false }),
    timeoutMs,
  )
  const { outcome } = await runTask(user, () => callExport(user, name, data))
  clearTimeout(timer)
  measureTraffic(user)
  closeConnections(user)
  if (outcome.kind === 'failed') throw stageFailure(outcome.error, outcome.rejected)
  return outcome.kind === 'done' ? outcome.result : undefined
}

function stageFailure(error: unknown, rejected: boolean): Stop {
  if (error instanceof Stop) return error
  return new Stop(rejected ? exitCodes.rejection : exitCodes.scriptException, describe(error))
}

async function runScenario(test: Test, run: ScenarioRuns[number]): Promise<void> {
  const { startTimeMs } = run.scenario
  await new Promise<void>((done) => {
    const timer = setTimeout(done, startTimeMs)
    test.onStop(() => {
      clearTimeout(timer)
      done()
    })
  })
  if (test.stopped === undefined) await execute(run)
}

/** Generator health: watches the run while it lasts: users, thresholds that abort, and whether the generator itself kept up. */
async function measure(test: Test, work: () => Promise<void>): Promise<{ eventLoopDelayP99Ms: number }> {
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs })
  delay.enable()
  test.startedAtMs = performance.now()
  const users = setInterval(() => reportUsers(test), usersSampledEveryMs)
  const thresholds = setInterval(() => abortOnThreshold(test), judgeEveryMs)
  try {
    await work()
  } finally {
    clearInterval(users)
    clearInterval(thresholds)
    delay.disable()
  }
  return { eventLoopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - delayResolutionMs) }
}

function reportUsers(test: Test): void {
  const { activeVUs, initializedVUs, completed, interrupted } = test.counts
  sample(test, 'vus', activeVUs, {})
  sample(test, 'vus_max', initializedVUs, {})
  const seconds = (elapsedMs(test) / 1000).toFixed(1)
  process.stdout.write(
    `running (${seconds}s), ${activeVUs}/${initializedVUs} VUs, ${completed} complete and ${interrupted} interrupted iterations\n`,
  )
}

function abortOnThreshold(test: Test): void {
  const { breached, abort } = judge(test.metrics, elapsedMs(test), false)
  if (!abort) return
  test.stop(
    new Stop(
      exitCodes.thresholdsFailed,
      `thresholds on metrics '${breached.join(', ')}' were crossed; at least one asks to abort`,
    ),
  )
}

function exitCodeOf(test: Test, breached: boolean): ExitCode | 0 {
  if (test.stopped !== undefined) return test.stopped.exitCode
  if (test.markedAsFailed) return exitCodes.markedAsFailed
  return breached ? exitCodes.thresholdsFailed : 0
}

function intendedStart({ fromIntendedStart }: Test): Pick<RunResult['generator'], 'fromIntendedStartMs'> {
  if (fromIntendedStart.isEmpty()) return { fromIntendedStartMs: null }
  const values = intendedStats.map((name) => [name, fromIntendedStart.read(name, 0) ?? 0])
  return { fromIntendedStartMs: Object.fromEntries(values) }
}
