import { type Random, randomFrom } from '../../core/random.ts'
import type { Recorder } from '../history/recorder.ts'
import { control } from '../stand-in.ts'
import { buyAndPay, type Shop } from './buyers.ts'
import { giveBack } from './give-back.ts'
import { type Balance, balance } from './judge.ts'
import { untilQuiet } from './quiet.ts'
import { type ChaosWorld, type Counts, count, type MortalServer, pause, UNEXPECTED } from './world.ts'

interface ChaosOptions {
  readonly orders: number
  readonly seed: number
  /** The fixture's event and tiers, and a manager of its business. */
  readonly eventId: string
  readonly tierIds: readonly string[]
  readonly managerId: string
  readonly report: (text: string) => void
  readonly recorder: Recorder
  /** How long after the last payment everything may take to end; in milliseconds. */
  readonly quietMsMax?: number
}

export interface ChaosResult {
  readonly counts: ReadonlyMap<string, number>
  readonly balance: Balance
  /** What was still unfinished at the bound, in words; empty when nothing was. */
  readonly unfinished: string
}

const BUYERS_AT_ONCE = 40
const HOLD_MS = 2_500
const FIRST_KILL_MS = 1_500
const KILL_EVERY_MS = 4_000

/**
 * Orders while the server is killed again and again, answers of the provider are lost after they took effect, and
 * events come up to five times, late, shuffled, or not at all. When it is quiet again every payment must have ended in
 * tickets or in a refund, and three books must agree to the cent: the stand-in's, ours, and the tickets.
 */
export async function webhookChaos(world: ChaosWorld, options: ChaosOptions): Promise<ChaosResult> {
  const counts: Counts = new Map()
  const random = randomFrom(options.seed)
  await hurry(world)
  const server = await openMortal(world, counts, options.recorder)
  try {
    await control(world.standIn, 'chaos', { ...CHAOS, seed: options.seed })
    const shop: Shop = {
      ...options,
      serverUrl: server.url,
      waitForServer: server.waitForRestart,
      holdMs: HOLD_MS,
    }
    const killing = server.killAgainAndAgain(random)
    await sell(world, shop, options, counts)
    // Refunds go on under kills; but no event is lost for good any more: nobody would ever ask about those.
    await control(world.standIn, 'chaos', { ...CHAOS, lostEvents: 0, seed: options.seed + 1 })
    await giveBack(world, shop, options, random, counts)
    killing.stop()
    await killing.ended
    await control(world.standIn, 'chaos', null)
    const unfinished = await untilQuiet(world, options)
    return { counts, unfinished, balance: await balance(world, options.eventId) }
  } finally {
    await server.stop()
  }
}

const CHAOS = { duplicates: 5, delayMs: 4_000, lostAnswers: 0.05, lostEvents: 0.05 }

/**
 * Sets lifetimes of seconds instead of minutes, to match the stand-in's fast clock. Delayed payments take longer than they
 * are waited for, so that some come too late.
 */
export async function hurry(world: ChaosWorld): Promise<void> {
  const sessionMs = Math.max(2 * HOLD_MS, (31 * 60_000) / world.standIn.timeScale)
  await world.client.query(
    `update ticketing.settings set hold_lifetime = $1::interval, hold_extension = '1 second', extend_below = '500 ms',
       session_lifetime = $2::interval, ask_after = '1 second', payment_margin = '1 second',
       delayed_payment_lifetime = '1 second'`,
    [`${HOLD_MS} ms`, `${sessionMs} ms`],
  )
}

/** Supervisor: a server that is killed at random intervals and restarted each time. */
async function openMortal(world: ChaosWorld, counts: Counts, recorder: Recorder) {
  let server: MortalServer = await world.startServer()
  let restart: Promise<unknown> = Promise.resolve()
  return {
    url: () => server.url,
    waitForRestart: () => restart,
    stop: () => server.stop(),
    killAgainAndAgain: (random: Random) => {
      const stop = Promise.withResolvers<void>()
      let stopped = false
      const live = async () => {
        for (
          let waitMs = FIRST_KILL_MS;
          !world.signal.aborted;
          waitMs = KILL_EVERY_MS * (0.5 + random.below(100) / 100)
        ) {
          // The first kill is waited for: without one nothing was shown.
          await (counts.has('server killed') ? Promise.race([pause(waitMs), stop.promise]) : pause(waitMs))
          if (stopped && counts.has('server killed')) return
          const down = Promise.withResolvers<void>()
          restart = down.promise
          const endFault = recorder.beginFault(`server kill ${(counts.get('server killed') ?? 0) + 1}`)
          try {
            await server.kill()
            count(counts, 'server killed')
            server = await world.startServer()
          } catch (error) {
            count(counts, `${UNEXPECTED}start after a kill: ${error}`)
            return
          } finally {
            endFault()
            down.resolve()
          }
        }
      }
      const ended = live()
      // Its error is thrown where it is awaited.
      ended.catch(() => undefined)
      return {
        ended,
        stop: () => {
          stopped = true
          stop.resolve()
        },
      }
    },
  }
}

async function sell(
  world: ChaosWorld,
  shop: Shop,
  { orders, seed, report }: ChaosOptions,
  counts: Counts,
): Promise<void> {
  let next = 0
  const buy = async () => {
    while (next < orders && !world.signal.aborted) {
      const buyer = next++
      if (buyer % 50 === 0) report(`${buyer} of ${orders} orders, ${counts.get('server killed') ?? 0} kills`)
      await buyAndPay(world, shop, seed, buyer, counts)
    }
  }
  await Promise.all(Array.from({ length: BUYERS_AT_ONCE }, buy))
}
