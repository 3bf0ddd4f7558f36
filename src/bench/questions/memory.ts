import { openLoad } from '../load/process.ts'
import type { Contestant, Question } from '../question.ts'
import { residentMiB, withResident } from '../resident.ts'
import { holdCall, httpContestant, openTiers, tierLedger } from '../sale.ts'

const WINDOWS = 10
const USERS = 200
const NAMES = Array.from({ length: WINDOWS }, (_, at) => `window_${at + 1}`)
const LAST = `window_${WINDOWS}`
const SECOND = 'window_2'

/** A leak is seen late: what grows with the requests that were answered, and not with those in work. The first window fills caches. */
export const memory: Question = {
  name: 'memory',
  asks: `Does a server under full load keep its memory? ${USERS} users hold, ${WINDOWS} windows in a row. Wanted: no request older than 1 s.`,
  seconds: 60,
  rounds: 1,
  isFreshEachRound: true,
  columns: ['maxMs', 'residentMiB'],
  ratios: [
    {
      name: 'resident_last_over_second',
      label: 'resident memory: last window : second',
      of: [LAST, SECOND],
      by: 'residentMiB',
      target: { atMost: 1.1 },
    },
    { name: 'holds_last_over_second', label: 'holds: last window : second', of: [LAST, SECOND] },
  ],
  open: async (world) => {
    const database = await world.openDatabase()
    const tierIds = [(await openTiers(database, ['floor']))('floor')]
    const server = await world.startServer(database.url)
    const load = await world.keep(openLoad('http'), (it) => it.close())
    const isSeen = (await residentMiB(server.pid)) !== undefined
    const contestants = NAMES.map((name, at): Contestant => {
      const one = { name, label: `window ${at + 1}`, warmsUp: false }
      const holding = httpContestant(load, server.url, one, () => holdCall(world, server.url, tierIds, USERS))
      return {
        ...holding,
        run: async (window) => {
          const { came, meanMiB } = await withResident(server.pid, holding.run(window))
          return { ...came, ...(meanMiB === undefined ? {} : { residentMiB: meanMiB }) }
        },
      }
    })
    return {
      contestants,
      ledgers: [tierLedger(database, tierIds, `${USERS} users`, NAMES)],
      missing: isSeen ? [] : [NOT_SEEN],
      serverPid: () => server.pid,
    }
  },
}

const NOT_SEEN = {
  contestants: ['resident memory'],
  why: 'it is read from /proc, which Linux has.',
} as const
