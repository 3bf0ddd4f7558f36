import type { BrokenLaw } from './laws.ts'
import type { Arena, IsolationLevel, Race, World } from './race.ts'
import { schedulesOf } from './schedules.ts'
import { stepThrough, type Trace } from './step-through.ts'
import { steppedSessions, toldTo } from './steps.ts'

/** One order of the statements, and how it ended. */
export interface OrderRun {
  /** `buyer 1: begin`, one step after the other. */
  readonly order: readonly string[]
  /** What each session was told. */
  readonly told: readonly string[]
  /** How things stood, or nothing. */
  readonly stand: string
  readonly broken: readonly BrokenLaw[]
  readonly trace: Trace
}

export interface OrderRuns {
  readonly sessions: readonly string[]
  /** All orders that keep each session's own. */
  readonly orders: number
  /**
   * How those went that were stepped, as they were met: an order that another schedule was diverted into is there once more. The last
   * one is the first that broke a law.
   */
  readonly runs: readonly OrderRun[]
}

/**
 * Stateless model checking: steps through the orders of the sessions that are named by their place, each in a world of its own.
 * Where the next step is of a session that waits for a lock, another goes on: what begins like this is not tried again, though
 * PostgreSQL might give a lock that two wait for to the other one then.
 */
export async function runOrders(
  arena: Arena,
  race: Race,
  isolation: IsolationLevel,
  present: readonly number[],
): Promise<OrderRuns> {
  // This world only says how many steps there are.
  const world = await worldOf(arena, race, present)
  const steps = steppedSessions(arena, world, isolation)
  const schedules = schedulesOf(steps.map(({ steps: { length } }) => length)).map((schedule) =>
    schedule.join(''),
  )
  const runs: OrderRun[] = []
  const known = new Set<string>()
  const diverted: string[] = []
  for (const schedule of schedules) {
    if (known.has(schedule) || diverted.some((beginning) => schedule.startsWith(beginning))) continue
    const run = await runOrder(arena, await worldOf(arena, race, present), isolation, schedule)
    const stepped = run.trace.stepped.join('')
    if (stepped !== schedule) diverted.push(beginningBefore(schedule, stepped))
    // Divergence: the same steps may end otherwise, so that each run is judged.
    known.add(stepped)
    runs.push(run)
    if (run.broken.length > 0) break
  }
  const sessions = world.sessions.map(({ name }) => name)
  return { sessions, orders: schedules.length, runs }
}

/** How many different orders these are. */
export function ordersIn(runs: readonly OrderRun[]): number {
  return new Set(runs.map(({ trace }) => trace.stepped.join(''))).size
}

async function worldOf({ judge, house }: Arena, race: Race, present: readonly number[]): Promise<World> {
  const world = await race.prepare(judge, house)
  return { ...world, sessions: world.sessions.filter((_, at) => present.includes(at)) }
}

async function runOrder(
  arena: Arena,
  world: World,
  isolation: IsolationLevel,
  schedule: string,
): Promise<OrderRun> {
  const { judge, brokenLaws } = arena
  const sessions = steppedSessions(arena, world, isolation)
  const trace = await stepThrough(judge, sessions, [...schedule].map(Number))
  if (world.afterwards !== undefined) await judge.query(world.afterwards)
  const next = sessions.map(({ steps }) => steps.values())
  return {
    order: trace.stepped.map((at) => `${world.sessions[at]?.name}: ${next[at]?.next().value?.name}`),
    told: trace.answers.map(toldTo),
    stand: await standOf(arena, world),
    broken: await brokenLaws(),
    trace,
  }
}

async function standOf({ judge }: Arena, { stands }: World): Promise<string> {
  if (stands === undefined) return ''
  const { rows } = await judge.query(stands.sql, [...stands.values])
  return String(Object.values(rows[0] ?? {})[0])
}

/** Up to the step that could not be taken, and with it. */
function beginningBefore(asked: string, stepped: string): string {
  return asked.slice(0, [...asked].findIndex((session, at) => session !== stepped[at]) + 1)
}
