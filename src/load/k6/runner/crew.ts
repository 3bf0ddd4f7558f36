import { performance } from 'node:perf_hooks'
import { createInstance } from './instances.ts'
import { log } from './log.ts'
import type { Scenario } from './scenarios.ts'
import { describe, Stop } from './stop.ts'
import { sample, type Test } from './test.ts'
import { runTask, type VirtualUser } from './vu.ts'

/** One scenario at work: who takes part, and how far it is. */
export interface Crew {
  readonly test: Test
  readonly scenario: Scenario
  readonly tags: Readonly<Record<string, string>>
  /** Who runs an iteration now, or may any moment. */
  readonly users: Set<VirtualUser>
  startedAtMs: number
  started: number
  completed: number
  progress: () => number
  take(count: number): VirtualUser[]
  give(users: readonly VirtualUser[]): void
  /** Makes one more user than was planned, which takes a moment. */
  hire(): Promise<VirtualUser>
}

/** All virtual users of a test; scenarios that do not overlap use the same ones. */
export interface Pool {
  readonly idle: VirtualUser[]
  size: number
}

export async function fillPool(test: Test, size: number): Promise<Pool> {
  const pool: Pool = { idle: [], size: 0 }
  while (pool.size < size) pool.idle.push(await addTo(pool, test))
  return pool
}

export function createCrew(test: Test, scenario: Scenario, pool: Pool): Crew {
  const users = new Set<VirtualUser>()
  const crew: Crew = {
    test,
    scenario,
    tags: { ...test.options?.tags, ...scenario.tags, scenario: scenario.name, group: '' },
    users,
    startedAtMs: 0,
    started: 0,
    completed: 0,
    progress: () => 0,
    take(count) {
      if (pool.idle.length < count)
        throw new Error(`the scenario '${scenario.name}' found too few virtual users`)
      return pool.idle.splice(0, count).map((user) => enlist(crew, user))
    },
    give(returned) {
      pool.idle.push(...returned.filter((user) => users.delete(user)))
    },
    hire: async () => enlist(crew, await addTo(pool, test)),
  }
  return crew
}

/** Runs one iteration. `intendedAtMs` is when an arrival rate meant it to start. */
export async function iterate(crew: Crew, user: VirtualUser, intendedAtMs?: number): Promise<void> {
  const { test, scenario } = crew
  prepare(crew, user)
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
  if (outcome.kind === 'failed') tell(test, outcome.error, scenario.name)
  test.counts.completed += 1
  crew.completed += 1
  sample(test, 'iteration_duration', durationMs, user.tags)
  sample(test, 'iterations', 1, user.tags)
  if (intendedAtMs !== undefined) test.fromIntendedStart.add(performance.now() - intendedAtMs)
}

/** What a script throws ends its iteration; what the runner refuses ends the test. */
function tell(test: Test, error: unknown, scenario: string): void {
  if (error instanceof Stop) test.stop(error)
  else log('error', `${describe(error)} (scenario ${scenario})`)
}

export function callExport(user: VirtualUser, name: string, argument: unknown): unknown {
  const run = user.exports[name]
  if (typeof run !== 'function') throw new TypeError(`the script exports no function '${name}'`)
  return run(argument)
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

function enlist(crew: Crew, user: VirtualUser): VirtualUser {
  const { scenario, test } = crew
  user.scenario = {
    name: scenario.name,
    executor: scenario.plan.executor,
    startedAt: Date.now(),
    progress: () => crew.progress(),
    iterationInTest: 0,
    iterationInScenario: user.scenario?.iterationInScenario ?? new Map(),
  }
  user.env = { ...test.env, ...scenario.env }
  user.tags = { ...crew.tags }
  user.setupData ??= { value: test.setupJson === undefined ? undefined : JSON.parse(test.setupJson) }
  crew.users.add(user)
  return user
}

/** Counters go on and cookies start afresh, as in k6; the state of the script's modules stays. */
function prepare(crew: Crew, user: VirtualUser): void {
  const { name } = crew.scenario
  if (user.scenario !== undefined) {
    const before = user.scenario.iterationInScenario.get(name)
    user.scenario.iterationInScenario.set(name, before === undefined ? 0 : before + 1)
    user.scenario.iterationInTest = crew.started
  }
  crew.started += 1
  user.iteration = user.iteration === undefined ? 0 : user.iteration + 1
  user.tags['group'] = ''
  if (crew.test.options?.noCookiesReset !== true) user.cookies.clear()
  user.onChange()
}
