import type { Client } from 'pg'
import { makeFixture } from '../fixtures/fixtures.ts'
import type { Recorder } from '../history/recorder.ts'
import { hear, type Judgement } from './hearing.ts'
import { buyUntil, openWitness, type Till, type Witness } from './witness.ts'
import { type Counts, count, type MortalServer, pause } from './world.ts'

/** A server and a PostgreSQL that may be killed. */
export interface MortalWorld {
  /** Starts a server, or starts it again. */
  readonly startServer: () => Promise<MortalServer>
  /** SIGKILL to every process of PostgreSQL at once; fulfilled when it runs again. */
  readonly killDatabase: () => Promise<void>
  /** A new connection: none outlives the database. */
  readonly connect: () => Promise<Client>
  readonly signal: AbortSignal
}

interface SuddenDeathOptions {
  /** So often everything dies. */
  readonly deaths: number
  readonly report: (text: string) => void
  readonly recorder: Recorder
}

export interface SuddenDeathResult extends Judgement {
  readonly counts: ReadonlyMap<string, number>
}

const BUYERS_AT_ONCE = 20
const STOCK = 100_000
export const FREE_TIER = 'general-admission'
/** Answers before everything dies, and for how long those are waited for. */
const ANSWERS_MIN = 100
const SALE_MS_MAX = 30_000

/**
 * Crash consistency: buyers write down what they were told, and server and PostgreSQL are killed in the middle of it, all
 * processes at once. Afterwards all of it must be there: PostgreSQL has it, and the same key gets the same order.
 */
export async function suddenDeath(
  world: MortalWorld,
  { deaths, report, recorder }: SuddenDeathOptions,
): Promise<SuddenDeathResult> {
  const counts: Counts = new Map()
  const witness = openWitness()
  const eventId = await openFreeSale(world.connect)
  recorder.keepLedger(eventId)
  let server = await world.startServer()
  const till: Till = { serverUrl: () => server.url, eventId, tier: FREE_TIER, recorder }
  try {
    for (let n = 1; n <= deaths && !world.signal.aborted; n++) {
      report(`Buyers write down what they are told; death ${n} of ${deaths}`)
      const death = await sellUntilDeath(world, server, till, witness, counts)
      await death.restarted
      count(counts, 'everything killed')
      server = await world.startServer()
      death.end()
    }
    return { ...(await hear(world.connect, till, witness, counts)), counts }
  } finally {
    await server.stop()
  }
}

/** Both die at one moment: no answer may be on its way that the database has not. */
async function sellUntilDeath(
  world: MortalWorld,
  server: MortalServer,
  till: Till,
  witness: Witness,
  counts: Counts,
): Promise<{ readonly restarted: Promise<void>; readonly end: () => void }> {
  const enough = witness.told.size + ANSWERS_MIN
  const lateMs = performance.now() + SALE_MS_MAX
  let isDead = false
  const isOver = () => isDead || performance.now() > lateMs
  const buying = Array.from({ length: BUYERS_AT_ONCE }, () => buyUntil(isOver, till, witness, counts))
  while (witness.told.size < enough && performance.now() < lateMs && !world.signal.aborted) await pause(1)
  const end = till.recorder.beginFault('everything is dead')
  const killed = server.kill()
  const restarted = world.killDatabase()
  restarted.catch(() => undefined)
  await killed
  isDead = true
  await Promise.all(buying)
  return { restarted, end }
}

/** An event with more free tickets than are ever asked for. */
export async function openFreeSale(connect: () => Promise<Client>): Promise<string> {
  const client = await connect()
  try {
    return (await makeFixture(client, 'concurrent-checkout', { stock: STOCK })).eventId
  } finally {
    await client.end()
  }
}
