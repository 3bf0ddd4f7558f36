import type { RunDatabase } from '../run-databases.ts'
import { shortenDeadlockTimeout } from '../sabotage/deadlock-timeout.ts'
import { prepareLaws } from './laws.ts'
import { type Arena, type IsolationLevel, type Race, SESSIONS_MAX } from './race.ts'
import { makeHouse } from './races/world.ts'
import { type OrderRun, ordersIn, runOrders } from './run-orders.ts'
import { changesIn } from './schedules.ts'

/** One race at one isolation level, order by order. */
export interface Exploration {
  readonly race: Race
  readonly isolation: IsolationLevel
  /** Who they are. */
  readonly sessions: readonly string[]
  /** All orders that keep each session's own, and those of them that were stepped through. */
  readonly orders: number
  readonly stepped: number
  /** How often a session waited for a lock of another, and how often all that were left did. */
  readonly waits: number
  readonly deadlocks: number
  /** Orders in which a session was told to retry (40001). */
  readonly retries: number
  /** In how many orders it ended how. */
  readonly ends: Readonly<Record<string, number>>
  /** The first order met that broke a law, else of those that ended as none may the one with the fewest changes of session. */
  readonly witness: Witness | undefined
}

interface Witness {
  readonly wrong: string
  /** The machine was so slow that a wait for a lock came to its end: this says nothing of the promise. */
  readonly tooSlow: boolean
  readonly order: readonly string[]
  readonly end: string
  /** Of each law that is broken. */
  readonly rows: readonly unknown[]
}

/** Opens the connections of a race in a database that is the race's own. */
export async function openArena(database: RunDatabase): Promise<Arena> {
  const clients = await database.connect(SESSIONS_MAX)
  const runners = await Promise.all(
    clients.map(async (client) => {
      await shortenDeadlockTimeout(client)
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      return { client, pid: rows[0]?.pid ?? 0 }
    }),
  )
  const judge = database.client
  return { judge, runners, house: await makeHouse(judge), brokenLaws: await prepareLaws(judge) }
}

/** Steps through the orders of a race, and judges how each ended. */
export async function explore(arena: Arena, race: Race, isolation: IsolationLevel): Promise<Exploration> {
  const { orders, sessions, runs } = await runOrders(arena, race, isolation, [0, 1, 2])
  const ends = [...Map.groupBy(runs, endOf)].map(([end, those]) => [end, ordersIn(those)] as const)
  return {
    race,
    isolation,
    sessions,
    orders,
    stepped: ordersIn(runs),
    waits: runs.reduce((sum, { trace }) => sum + trace.waits, 0),
    deadlocks: runs.reduce((sum, { trace }) => sum + trace.deadlocks, 0),
    retries: ordersIn(runs.filter(({ told }) => told.includes(RETRY))),
    ends: Object.fromEntries(ends),
    witness: await witnessIn(arena, race, isolation, runs),
  }
}

async function witnessIn(
  arena: Arena,
  race: Race,
  isolation: IsolationLevel,
  runs: readonly OrderRun[],
): Promise<Witness | undefined> {
  const endsWithout = isolation === 'read committed' ? undefined : openEnds(arena, race)
  let slow: Witness | undefined
  for (const run of smallestFirst(runs)) {
    const wrong = lawOrCircle(run) ?? (await wrongEnd(race, run, endsWithout))
    if (wrong === undefined) continue
    const rows = run.broken.flatMap(({ rows: [row] }) => [row])
    const witness = { wrong, tooSlow: isTooSlow(run), order: run.order, end: endOf(run), rows }
    if (!witness.tooSlow) return witness
    slow ??= witness
  }
  return slow
}

/** A law that one order broke stays broken: nothing was stepped after it, and nothing before it is needed. */
function smallestFirst(runs: readonly OrderRun[]): readonly OrderRun[] {
  const breaking = runs.filter(({ broken }) => broken.length > 0)
  if (breaking.length > 0) return breaking
  return runs.toSorted((a, b) => changesIn(a.trace.stepped) - changesIn(b.trace.stepped))
}

function lawOrCircle({ broken, trace, told }: OrderRun): string | undefined {
  if (broken.length > 0)
    return `it breaks ${broken.map(({ law }) => law).join(', ')}, in the first order met that breaks a law`
  const isTold = told.some((codes) => codes.includes('LOCK_TIMEOUT'))
  return trace.deadlocks > 0 && !isTold ? 'all wait in a circle, and nobody is told' : undefined
}

const RETRY = '40001'

async function wrongEnd(race: Race, run: OrderRun, endsWithout: EndsWithout | undefined) {
  const present = run.told.flatMap((told, at) => (told === RETRY ? [] : [at]))
  if (endsWithout === undefined || present.length === run.told.length) {
    return race.ends.includes(endOf(run)) ? undefined : 'it may not end like this'
  }
  // All were told: nothing has happened.
  if (present.length === 0) return undefined
  const end = endOf({ ...run, told: present.map((at) => run.told[at] ?? '') })
  const isRight = (await endsWithout(present)).has(end)
  return isRight ? undefined : `the others do not end like this without who is told ${RETRY}`
}

type EndsWithout = (present: readonly number[]) => Promise<ReadonlySet<string>>

/** How a race ends under READ COMMITTED where only these sessions come. */
function openEnds(arena: Arena, race: Race): EndsWithout {
  const known = new Map<string, ReadonlySet<string>>()
  return async (present) => {
    const name = present.join()
    const ends =
      known.get(name) ?? new Set((await runOrders(arena, race, 'read committed', present)).runs.map(endOf))
    known.set(name, ends)
    return ends
  }
}

/** `success | INSUFFICIENT_TICKETS → order paid`. */
function endOf({ told, stand }: Pick<OrderRun, 'told' | 'stand'>): string {
  return told.join(' | ') + (stand === '' ? '' : ` → ${stand}`)
}

/** lock_timeout: verbs wait five seconds. What was told before is no matter of time. */
const SLOW_MS = 4000

function isTooSlow({ trace, told, broken }: OrderRun): boolean {
  return broken.length === 0 && trace.ms > SLOW_MS && told.some((codes) => /LOCK_TIMEOUT|55P03/.test(codes))
}
