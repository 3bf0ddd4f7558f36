import { fileURLToPath } from 'node:url'
import type { LoadRun } from '../../load/engine.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import { watchDatabase } from '../health/monitor.ts'
import { readServer, type ServerFigures } from '../health/server.ts'
import { soakChecks } from '../health/soak.ts'
import type { GeneratorHealth, Soak } from '../measures.ts'
import type { Profile } from '../profiles.ts'
import type { Check, ScenarioResult } from '../results.ts'
import type { Report, Run, RunningServer } from '../run.ts'
import { counterOf, type Scenario } from '../scenarios/scenario.ts'
import { scenarioResult } from '../scenarios/scenario-result.ts'
import { ticketPurchase } from '../scenarios/ticket-purchase.ts'
import { ticketingFlow } from '../scenarios/ticketing-flow.ts'
import { latencyOf, sustainedChecks } from './http-load.ts'

const SOAK = 'soak'

const STORY =
  'Guests order and leave, and buyers order, pay and get their tickets, for as long as it was asked: nothing grows.'

/** Stories that may be told over and over, at the same time. */
const STORIES: readonly Scenario[] = [ticketingFlow, ticketPurchase]

/** More than they can order: each user takes a second and more for each. */
const STOCK_A_MINUTE = 2_000
const SAMPLES_A_MINUTE = 12
const SAMPLES_MAX = 360
const SLACK_MS = 120_000
/** A pool keeps an unused connection for one. */
const IDLE_MINUTES_MAX = 2

type SoakProfile = NonNullable<Profile['soak']>

/** Soak test: sustained load on one server, whose memory and connections are watched. */
export async function runSoak(
  run: Run,
  server: RunningServer,
  soak: SoakProfile,
  report: Report,
): Promise<ScenarioResult> {
  const envs = await Promise.all(STORIES.map((scenario) => variablesFor(run, server, scenario, soak)))
  const read = () => readServer(server.url, envs[0]?.['SUPABASE_SERVICE_ROLE_KEY'] ?? '')
  const before = await read()
  const [[loads, samples], health] = await watchDatabase(run.databases.main, () =>
    sampleServer(read, soak, () =>
      Promise.all(STORIES.map((scenario, at) => tell(run, scenario, envs[at] ?? {}, soak, report))),
    ),
  )
  report('waiting for connections to be closed')
  const after = await quietFigures(read, before, IDLE_MINUTES_MAX * soak.minuteMs, run.signal)
  if (after !== undefined) run.servers.set(server.url, after)
  return { ...resultOf(run, loads, soakOf(soak, samples, before, after)), health }
}

async function variablesFor(
  run: Run,
  server: RunningServer,
  scenario: Scenario,
  { minutes, minuteMs, users }: SoakProfile,
): Promise<Record<string, string>> {
  const stock = Math.ceil(STOCK_A_MINUTE * minutes)
  const fixture = await makeFixture(run.databases.main.client, scenario.name, { stock })
  return {
    ...(await run.variablesOf(fixture, server.url)),
    PATIENCE: String(run.profile.patience),
    ...scenario.env(run),
    LOAD_PROFILE: 'soak',
    SOAK_USERS: String(users),
    SOAK_S: String((minutes * minuteMs) / 1_000),
  }
}

function tell(
  run: Run,
  { name, story }: Scenario,
  env: Record<string, string>,
  { minutes, minuteMs }: SoakProfile,
  report: Report,
): Promise<LoadRun> {
  return run.engines.http.run({
    script: fileURLToPath(new URL(`../../../load-tests/scenarios/${name}.ts`, import.meta.url)),
    env,
    timeoutMs: minutes * minuteMs + SLACK_MS,
    signal: run.signal,
    onProgress: ({ iterations, elapsedMs }) =>
      report(`${(elapsedMs / minuteMs).toFixed(1)} of ${minutes} minutes, ${iterations} done. ${story}`),
  })
}

type Read = () => Promise<ServerFigures | undefined>

/** The server's own figures while `work` goes on, at an even pace. */
async function sampleServer<T>(
  read: Read,
  { minutes, minuteMs }: SoakProfile,
  work: () => Promise<T>,
): Promise<readonly [T, Soak['samples']]> {
  const everyMs = Math.max(minuteMs / SAMPLES_A_MINUTE, (minutes * minuteMs) / SAMPLES_MAX)
  const startedMs = performance.now()
  const samples: Soak['samples'] = []
  const take = async () => {
    const ms = Math.round(performance.now() - startedMs)
    const figures = await read()
    if (figures === undefined) return
    const { rssBytes, heapBytes, pool } = figures
    samples.push({ ms, rssBytes, heapBytes, ...pool })
  }
  const timer = setInterval(() => void take(), everyMs)
  try {
    return [await work(), samples]
  } finally {
    clearInterval(timer)
  }
}

/** The figures once no more connections are open than before, or when that has had its time. */
async function quietFigures(
  read: Read,
  before: ServerFigures | undefined,
  msMax: number,
  signal: AbortSignal,
): Promise<ServerFigures | undefined> {
  const endMs = performance.now() + msMax
  for (;;) {
    const now = await read()
    const isBack = now !== undefined && now.pool.open <= (before?.pool.open ?? 0) && inUse(now) === 0
    if (isBack || performance.now() > endMs) return now
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

function inUse({ pool }: ServerFigures): number {
  return pool.open - pool.idle
}

function soakOf(
  { minuteMs }: SoakProfile,
  samples: Soak['samples'],
  before: ServerFigures | undefined,
  after: ServerFigures | undefined,
): Soak {
  return {
    minuteMs,
    samples: samples.toSorted((a, b) => a.ms - b.ms),
    openBefore: before?.pool.open ?? 0,
    openAfter: after?.pool.open ?? 0,
    inUseAfter: after === undefined ? 0 : inUse(after),
  }
}

function resultOf(run: Run, loads: readonly LoadRun[], soak: Soak): ScenarioResult {
  const [flow, purchase] = loads
  if (flow === undefined || purchase === undefined) throw new Error('two stories were told')
  const requests = loads.reduce((sum, load) => sum + counterOf(load, 'http_reqs'), 0)
  const durationMs = Math.max(...loads.map((load) => load.durationMs))
  return scenarioResult(run, {
    name: SOAK,
    story: STORY,
    engine: flow.engine,
    engineVersion: flow.engineVersion,
    file: STORIES.map(({ name }) => `load-tests/scenarios/${name}.ts`).join(', '),
    command: run.run.command,
    durationMs,
    requests,
    perSecond: requests / (durationMs / 1_000),
    latencyMs: latencyOf(flow.metrics['http_req_duration']),
    outcomes: outcomesOf(loads),
    mustHaveHappened: [
      { what: 'orders placed', times: counterOf(flow, 'orders_placed') },
      { what: 'purchases completed', times: counterOf(purchase, 'purchases_completed') },
    ],
    checks: [
      ...STORIES.flatMap((scenario, at) => namedChecks(scenario, loads[at] ?? flow)),
      ...soakChecks(soak),
    ],
    soak,
    generator: generatorOf(loads),
    timeline: [...flow.timeline],
  })
}

/** Both together. */
function generatorOf(loads: readonly LoadRun[]): GeneratorHealth {
  const all = loads.map(({ generator }) => generator)
  const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null)
  const delays = known(all.map(({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms))
  const cores = known(all.map(({ cpuCores }) => cpuCores))
  return {
    droppedIterations: all.reduce((sum, { droppedIterations }) => sum + droppedIterations, 0),
    eventLoopDelayP99Ms: delays.length === 0 ? null : Math.max(...delays),
    cpuCores: cores.length === 0 ? null : cores.reduce((sum, value) => sum + value, 0),
  }
}

function namedChecks(scenario: Scenario, load: LoadRun): readonly Check[] {
  return sustainedChecks(scenario, load).map((check) => ({
    ...check,
    name: `${scenario.name}: ${check.name}`,
  }))
}

function outcomesOf(loads: readonly LoadRun[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [at, { outcomes }] of STORIES.entries()) {
    for (const [metric, code] of Object.entries(outcomes)) {
      const load = loads[at]
      const times = load === undefined ? 0 : counterOf(load, metric)
      if (times > 0) sums[code] = (sums[code] ?? 0) + times
    }
  }
  return sums
}
