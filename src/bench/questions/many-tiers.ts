import { openLoad } from '../load/process.ts'
import type { Question } from '../question.ts'
import { holdCall, httpContestant, openTiers, tierLedger } from '../sale.ts'

const USERS = 200
const TIERS = [1, 10, 100] as const
const TIERS_MOST = 100

/** Buyers that meet at few tiers wait together and are held together; spread over many, each tier has its own locks. */
export const manyTiers: Question = {
  name: 'many-tiers',
  asks: `How fast is held by ${USERS} users who are spread over 1, 10 and 100 tiers of one event?`,
  seconds: 3,
  ratios: [
    {
      name: 'holds_10_over_1',
      label: '10 tiers : 1 tier',
      of: ['holds_10', 'holds_1'],
    },
    {
      name: 'holds_100_over_1',
      label: '100 tiers : 1 tier',
      of: ['holds_100', 'holds_1'],
    },
  ],
  open: async (world) => {
    const database = await world.openDatabase()
    const all = TIERS.map((tiers) => ({
      name: `holds_${tiers}`,
      label: tiers === 1 ? '1 tier' : `${tiers} tiers`,
      warmsUp: tiers === TIERS_MOST,
      slugs: Array.from({ length: tiers }, (_, at) => `tier-${at + 1}-of-${tiers}`),
    }))
    const tierOf = await openTiers(
      database,
      all.flatMap(({ slugs }) => slugs),
    )
    const server = await world.startServer(database.url)
    const load = await world.keep(openLoad('http'), (it) => it.close())
    return {
      contestants: all.map(({ slugs, ...one }) =>
        httpContestant(load, server.url, one, () => holdCall(world, server.url, slugs.map(tierOf), USERS)),
      ),
      ledgers: all.map(({ name, label, slugs }) => tierLedger(database, slugs.map(tierOf), label, [name])),
      serverPid: () => server.pid,
    }
  },
}
