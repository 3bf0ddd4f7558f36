import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import process from 'node:process'
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers'
import { openTimeline, type Timeline, type TimeWindow } from '../../timeline.ts'
import type { Arguments } from './arguments.ts'
import { mayBlock } from './blocking.ts'
import { summaryExport } from './end-of-test.ts'
import { execute } from './executors.ts'
import { canBlock } from './guest/jspi.ts'
import { handleSummary } from './handle-summary.ts'
import { asRecord } from './input.ts'
import { confineGlobals, createInstance } from './instances.ts'
import { startJsonOutput } from './json-output.ts'
import { log } from './log.ts'
import { refuseMissing } from './missing.ts'
import { readOptions, readTrendStats } from './options.ts'
import { closeConnections, createScenarioRun, fillPool, measureTraffic } from './scenario-run.ts'
import { plannedVUs, regularMs, type Scenario } from './scenarios.ts'
import { runStage } from './stage.ts'
import { describe, type ExitCode, exitCodes, Stop, UNCAUGHT, unsupported } from './stop.ts'
import { summarize } from './summary.ts'
import type { SummaryData } from './summary-data.ts'
import { elapsedMs, sample, type Test } from './test.ts'
import { defineThresholds, judge } from './thresholds.ts'
import { startWatchdog } from './watchdog.ts'

/** What a run leaves: the summary, and how well the generator itself did. */
export interface RunResult {
  readonly exitCode: ExitCode | 0
  readonly data: SummaryData | undefined
  readonly generator: {
    readonly eventLoopDelayP99Ms: number
    /** CPU time over time: 1 is one core that was always busy. */
    readonly cpuCores: number
    /** Iteration durations from the moment an arrival rate meant them to start; null without such a scenario. */
    readonly fromIntendedStartMs: Readonly<Record<string, number>> | null
  }
  /** Times of expected answers over the run. */
  readonly timeline: readonly TimeWindow[]
}

/** What the command line asks for beside the script. */
type Asked = Pick<Arguments, 'overrides' | 'jsonOutputs' | 'summaryExport' | 'printsSummary'>

/** Runs the test from the script's options to its summary. What goes wrong ends in the exit code that k6 would give. */
export async function runTest(test: Test, asked: Asked): Promise<RunResult> {
  let health = { eventLoopDelayP99Ms: 0, cpuCores: 0 }
  const timeline = openTimeline()
  let initialized = false
  try {
    const runs = await initialize(test, asked)
    initialized = true
    listenTo(test, timeline)
    const outputs = asked.jsonOutputs.map((file) => startJsonOutput(test.metrics, file))
    health = await measure(test, () => perform(test, runs))
    for (const end of outputs) end()
  } catch (error) {
    test.stop(error instanceof Stop ? error : new Stop(exitCodes.scriptException, describe(error)))
  }
  const durationMs = elapsedMs(test)
  const { breached } = judge(test.metrics, durationMs, true)
  if (test.stopped !== undefined) log('error', test.stopped.message)
  const data = initialized ? summarize(test, durationMs) : undefined
  if (data !== undefined && asked.printsSummary) await handleSummary(test, data)
  if (data !== undefined && asked.summaryExport !== undefined)
    writeFileSync(asked.summaryExport, JSON.stringify(summaryExport(data), null, 2))
  if (breached.length > 0) log('error', `thresholds on metrics '${breached.join(', ')}' have been crossed`)
  return {
    exitCode: exitCodeOf(test, breached.length > 0),
    data,
    generator: { ...health, ...intendedStart(test) },
    timeline: timeline.windows(),
  }
}

function listenTo(test: Test, timeline: Timeline): void {
  test.metrics.find('http_req_duration')?.listeners.push((value, tags) => {
    if (tags['expected_response'] === 'true') timeline.add(elapsedMs(test), value)
  })
}

const judgeEveryMs = 2000
const usersSampledEveryMs = 1000
const delayResolutionMs = 5
const overlapSlackMs = 1000
const intendedStats = ['avg', 'min', 'med', 'max', 'p(50)', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'count']

type ScenarioRuns = readonly ReturnType<typeof createScenarioRun>[]

async function initialize(test: Test, { overrides }: Asked): Promise<ScenarioRuns> {
  chooseInstances(test)
  const { exports } = await createInstance(test, 0)
  const exported = withOverrides(exports['options'], overrides)
  const options = readOptions(exported, (name) => typeof exports[name] === 'function')
  test.options = options
  test.metrics.find('http_req_duration{expected_response:true}')
  defineThresholds(test.metrics, options.thresholds)
  const pool = await fillPool(test, usersAtOnce(options.scenarios))
  return options.scenarios.map((scenario) => createScenarioRun(test, scenario, pool))
}

function withOverrides(exported: unknown, overrides: Asked['overrides']): unknown {
  if (Object.keys(overrides).length === 0) return exported
  const given = asRecord(exported ?? {}, 'options')
  // The flag replaces them for every run of `prove`; a mistake in the script is told all the same.
  readTrendStats(given['summaryTrendStats'])
  const merged = { ...given, ...overrides }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined))
}

/** Scripts that block run in engines of their own; all others run faster without. */
function chooseInstances(test: Test): void {
  refuseMissing(test.script)
  test.mayBlock = mayBlock(test.script)
  if (!test.mayBlock) {
    startWatchdog()
    confineGlobals()
  } else if (!canBlock())
    throw unsupported(`calls that block on Node ${process.versions.node}`, 'use Node 24')
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
  if (test.stopped !== undefined) throw test.stopped
  if (options.noSetup !== true) {
    const data = await callStage(test, 'setup', undefined, options.setupTimeoutMs, exitCodes.setupTimeout)
    if (data !== undefined) test.setupJson = JSON.stringify(data, (_key, value: unknown) => value ?? null)
  }
  await Promise.all(runs.map((run) => runScenario(test, run)))
  if (options.noTeardown === true) return
  const data = test.setupJson === undefined ? undefined : JSON.parse(test.setupJson)
  await callStage(test, 'teardown', data, options.teardownTimeoutMs, exitCodes.teardownTimeout)
}

/** Runs `setup` or `teardown`, if the script has it, in a virtual user of its own. A stop ends `setup`, and only that, as in k6. */
async function callStage(
  test: Test,
  name: string,
  data: unknown,
  timeoutMs: number,
  timeoutCode: ExitCode,
): Promise<unknown> {
  const user = await createInstance(test, 0)
  if (user.exports[name] === undefined) return undefined
  user.tags = { ...test.options?.tags, group: `::${name}` }
  const late = (message: string) => new Stop(timeoutCode, message)
  const running = runStage(user, name, data, { timeoutMs, late })
  const end = () => user.task?.finish({ kind: 'failed', error: test.stopped, rejected: false })
  const forget = name === 'setup' ? test.onStop(end) : undefined
  const outcome = await running
  forget?.()
  measureTraffic(user)
  closeConnections(user)
  if (outcome.kind === 'failed') throw stageFailure(outcome.error, outcome.rejected)
  return outcome.result
}

function stageFailure(error: unknown, rejected: boolean): Stop {
  if (error instanceof Stop) return error
  return rejected
    ? new Stop(exitCodes.rejection, `${UNCAUGHT}${describe(error)}`)
    : new Stop(exitCodes.scriptException, describe(error))
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
async function measure(
  test: Test,
  work: () => Promise<void>,
): Promise<Pick<RunResult['generator'], 'eventLoopDelayP99Ms' | 'cpuCores'>> {
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs })
  delay.enable()
  test.startedAtMs = performance.now()
  const cpu = process.cpuUsage()
  const users = setInterval(() => reportUsers(test), usersSampledEveryMs)
  const thresholds = setInterval(() => abortOnThreshold(test), judgeEveryMs)
  try {
    await work()
  } finally {
    clearInterval(users)
    clearInterval(thresholds)
    delay.disable()
  }
  const { user, system } = process.cpuUsage(cpu)
  return {
    eventLoopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - delayResolutionMs),
    cpuCores: (user + system) / 1000 / Math.max(1, elapsedMs(test)),
  }
}

function reportUsers(test: Test): void {
  const { activeVUs, initializedVUs, completed, interrupted } = test.counts
  sample(test, 'vus', activeVUs, {})
  sample(test, 'vus_max', initializedVUs, {})
  if (!test.printsProgress) return
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
