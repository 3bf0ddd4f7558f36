import { openLoad } from '../load/process.ts'
import type { Contestant, Question, RatioSpec } from '../question.ts'
import { holdCall, httpContestant, openTiers, tierLedger } from '../sale.ts'

const USERS = 200
const SHARES = [50, 80] as const
/** A pace that is not kept is a queue, whose times say how long the window was. */
const ALMOST = 0.98

const PEAK = { name: 'peak', label: `peak: closed loop, ${USERS} users` } as const

const RATIOS: readonly RatioSpec[] = [
  ...SHARES.map((share) => ({
    name: `held_at_${share}`,
    label: `a second: ${share} % of the peak : peak`,
    of: [`at_${share}`, PEAK.name] as const,
    target: { atLeast: (share / 100) * ALMOST },
  })),
  ...SHARES.map((share) => ({
    name: `p99_at_${share}`,
    label: `p99: ${share} % of the peak : peak`,
    of: [`at_${share}`, PEAK.name] as const,
    by: 'p99Ms' as const,
  })),
]

/** Buyers who come at their own pace: each is late from when it was due, and nobody waits with asking until the server is ready. */
export const openLoop: Question = {
  name: 'open-loop',
  asks: 'How long does a buyer wait for a hold of one tier while as many come as half of the peak, and as four fifths of it?',
  seconds: 5,
  // The peak first, in each round.
  isFreshEachRound: true,
  ratios: RATIOS,
  open: async (world) => {
    const database = await world.openDatabase()
    const tierIds = [(await openTiers(database, ['floor']))('floor')]
    const server = await world.startServer(database.url)
    const load = await world.keep(openLoad('http'), (it) => it.close())
    const call = holdCall(world, server.url, tierIds, USERS)
    let peak = 0
    const closed = httpContestant(load, server.url, PEAK, () => call)
    const contestants: readonly Contestant[] = [
      {
        ...closed,
        run: async (window) => {
          const came = await closed.run(window)
          peak = came.inTime / came.seconds
          return came
        },
      },
      ...SHARES.map((share) =>
        httpContestant(
          load,
          server.url,
          { name: `at_${share}`, label: `open loop, ${share} % of the peak`, warmsUp: false },
          () => ({ ...call, perSecond: Math.max(1, (peak * share) / 100) }),
        ),
      ),
    ]
    const names = contestants.map(({ name }) => name)
    return {
      contestants,
      ledgers: [tierLedger(database, tierIds, 'holds of the tier', names)],
      serverPid: () => server.pid,
    }
  },
}
