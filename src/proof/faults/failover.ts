import type { Client } from 'pg'
import type { Recorder } from '../history/recorder.ts'
import { hear, type Judgement } from './hearing.ts'
import { FREE_TIER, openFreeSale } from './sudden-death.ts'
import { buyUntil, openWitness, type Till, type Witness } from './witness.ts'
import { type Counts, type MortalServer, pause } from './world.ts'

/** A primary that may be killed, its standby, and a server that reaches by one address whichever of them is the primary. */
export interface FailoverWorld {
  readonly startServer: () => Promise<MortalServer>
  /** SIGKILL to every process of the primary at once, and what was on its way to the standby is lost. */
  readonly killPrimary: () => Promise<void>
  /** Makes the standby the primary; the address leads to it from then on. */
  readonly promote: () => Promise<void>
  /** A new connection to whichever is the primary. */
  readonly connect: () => Promise<Client>
  readonly signal: AbortSignal
}

/** How a primary and its standby are connected. */
export interface Replication {
  /** Commits wait until the standby has them. */
  readonly isSynchronous: boolean
  /** How far it is from one to the other, in milliseconds each way. */
  readonly distanceMs: number
}

export interface FailoverResult extends Judgement {
  readonly counts: ReadonlyMap<string, number>
  /** From the death of the primary until an order is acknowledged that was asked for after it; undefined: none was. */
  readonly silenceMs: number | undefined
}

const BUYERS_AT_ONCE = 20
const ANSWERS_MIN = 200
const SALE_MS_MAX = 30_000
/** How long nobody may be sold anything after a promotion, and how many are sold something after that. */
const SILENCE_MS_MAX = 60_000
const SOLD_AGAIN_MIN = 50

/**
 * Failover: the primary is killed in the middle of a sale and its standby takes over. Who was told of an order before must find it
 * there, and who was told nothing asks again under the same key.
 */
export async function failover(world: FailoverWorld, recorder: Recorder): Promise<FailoverResult> {
  const counts: Counts = new Map()
  const witness = openWitness()
  const eventId = await openFreeSale(world.connect)
  recorder.keepLedger(eventId)
  const server = await world.startServer()
  const till: Till = { serverUrl: () => server.url, eventId, tier: FREE_TIER, recorder }
  try {
    const silenceMs = await sellThrough(world, till, witness, counts)
    return { ...(await hear(world.connect, till, witness, counts)), counts, silenceMs }
  } finally {
    await server.stop()
  }
}

async function sellThrough(
  world: FailoverWorld,
  till: Till,
  witness: Witness,
  counts: Counts,
): Promise<number | undefined> {
  let isOver = false
  let killedMs = Number.POSITIVE_INFINITY
  let soldMs: number | undefined
  const onTold = (askedMs: number) => {
    if (askedMs > killedMs) soldMs ??= performance.now()
  }
  const buy = () => buyUntil(() => isOver || world.signal.aborted, till, witness, counts, onTold)
  const buying = Array.from({ length: BUYERS_AT_ONCE }, buy)
  const until = async (isTrue: () => boolean, msMax: number) => {
    const end = performance.now() + msMax
    while (!isTrue() && performance.now() < end && !world.signal.aborted) await pause(5)
  }
  try {
    await until(() => witness.told.size >= ANSWERS_MIN, SALE_MS_MAX)
    const endFault = till.recorder.beginFault('the primary is dead')
    await world.killPrimary()
    killedMs = performance.now()
    await world.promote()
    endFault()
    await until(() => soldMs !== undefined, SILENCE_MS_MAX)
    const enough = witness.told.size + SOLD_AGAIN_MIN
    await until(() => witness.told.size >= enough, soldMs === undefined ? 0 : SALE_MS_MAX)
  } finally {
    isOver = true
    await Promise.all(buying)
  }
  return soldMs === undefined ? undefined : soldMs - killedMs
}
