import { performance } from 'node:perf_hooks'
import { createInstance } from './instances.ts'
import { log } from './log.ts'
import type { Scenario } from './scenarios.ts'
import { describe, Stop, UNCAUGHT } from './stop.ts'
import { sample, type Test } from './test.ts'
import { type Failure, runTask, type VirtualUser } from './vu.ts'

/** One scenario under way: which virtual users run it, and how far it is. */
export interface ScenarioRun {
  readonly test: Test
  readonly scenario: Scenario
  readonly tags: Readonly<Record<string, string>>
  /** Who runs an iteration now, or may any moment. */
  readonly users: Set<VirtualUser>
  startedAtMs: number
  /** The hard stop, by `performance.now()`. */
  mustEndAtMs: number
  started: number
  completed: number
  progress: () => number
  acquire(count: number): VirtualUser[]
  release(users: readonly VirtualUser[]): void
  /** Unplanned VU: makes one more than was preallocated, which takes a moment. */
  initialize(): Promise<VirtualUser>
}

/** VU pool: all virtual users of a test; scenarios that do not overlap use the same ones. */
export interface Pool {
  readonly idle: VirtualUser[]
  size: number
}

export async function fillPool(test: Test, size: number): Promise<Pool> {
  const pool: Pool = { idle: [], size: 0 }
  while (pool.size < size) pool.idle.push(await addTo(pool, test))
  return pool
}

export function createScenarioRun(test: Test, scenario: Scenario, pool: Pool): ScenarioRun {
  const users = new Set<VirtualUser>()
  const run: ScenarioRun = {
    test,
    scenario,
    tags: { ...test.options?.tags, ...scenario.tags, scenario: scenario.name, group: '' },
    users,
    startedAtMs: 0,
    mustEndAtMs: Number.POSITIVE_INFINITY,
    started: 0,
    completed: 0,
    progress: () => 0,
    acquire(count) {
      if (pool.idle.length < count)
        throw new Error(`the scenario '${scenario.name}' found too few virtual users`)
      return pool.idle.splice(0, count).map((user) => assign(run, user))
    },
    release(members) {
      pool.idle.push(...members.filter((user) => users.delete(user)))
    },
    initialize: async () => assign(run, await addTo(pool, test)),
  }
  return run
}

/** Runs one iteration. `intendedAtMs` is when an arrival rate meant it to start. */
export async function iterate(run: ScenarioRun, user: VirtualUser, intendedAtMs?: number): Promise<void> {
  const { test, scenario } = run
  prepare(run, user)
  test.counts.activeVUs += 1
  const { outcome, durationMs } = await runTask(user, () =>
    callExport(user, scenario.exec, user.setupData?.value),
  )
  test.counts.activeVUs -= 1
  measureTraffic(user)
  if (test.options?.noVUConnectionReuse === true) closeConnections(user)
  if (outcome.kind === 'interrupted') {
    test.counts.interrupted += 1
    return
  }
  if (outcome.kind === 'failed') reportFailure(test, outcome, scenario.name)
  test.counts.completed += 1
  run.completed += 1
  sample(test, 'iteration_duration', durationMs, user.tags)
  sample(test, 'iterations', 1, user.tags)
  if (intendedAtMs !== undefined) test.fromIntendedStart.add(performance.now() - intendedAtMs)
}

/** What a script throws ends its iteration; what the runner refuses ends the test. */
function reportFailure(test: Test, { error, rejected }: Failure, scenario: string): void {
  if (error instanceof Stop) test.stop(error)
  else log('error', `${rejected ? UNCAUGHT : ''}${describe(error)} (scenario ${scenario})`)
}

export function callExport(user: VirtualUser, name: string, argument: unknown): unknown {
  const exported = user.exports[name]
  if (typeof exported !== 'function') throw new TypeError(`the script exports no function '${name}'`)
  return exported(argument)
}

export function closeConnections(user: VirtualUser): void {
  user.agents?.http.destroy()
  user.agents?.https.destroy()
  user.agents = undefined
}

export function measureTraffic(user: VirtualUser): void {
  sample(user.test, 'data_sent', user.traffic.sent, user.tags)
  sample(user.test, 'data_received', user.traffic.received, user.tags)
  user.traffic.sent = 0
  user.traffic.received = 0
}

async function addTo(pool: Pool, test: Test): Promise<VirtualUser> {
  pool.size += 1
  const user = await createInstance(test, pool.size)
  test.counts.initializedVUs += 1
  return user
}

function assign(run: ScenarioRun, user: VirtualUser): VirtualUser {
  const { scenario, test } = run
  user.scenario = {
    name: scenario.name,
    executor: scenario.plan.executor,
    startedAt: Date.now(),
    progress: () => run.progress(),
    iterationInTest: 0,
    iterationInScenario: user.scenario?.iterationInScenario ?? new Map(),
  }
  user.env = { ...test.env, ...scenario.env }
  user.tags = { ...run.tags }
  user.setupData ??= { value: test.setupJson === undefined ? undefined : JSON.parse(test.setupJson) }
  run.users.add(user)
  return user
}

/** Iteration state: counters go on and cookies start afresh, as in k6; the state of the script's modules stays. */
function prepare(run: ScenarioRun, user: VirtualUser): void {
  const { name } = run.scenario
  if (user.scenario !== undefined) {
    const before = user.scenario.iterationInScenario.get(name)
    user.scenario.iterationInScenario.set(name, before === undefined ? 0 : before + 1)
    user.scenario.iterationInTest = run.started
  }
  run.started += 1
  user.iteration = user.iteration === undefined ? 0 : user.iteration + 1
  user.tags['group'] = ''
  user.mustEndAtMs = run.mustEndAtMs
  if (run.test.options?.noCookiesReset !== true) user.cookies.empty()
  user.onChange()
}
