import { openLoad } from '../load/process.ts'
import type { Contestant, Ledger, Question } from '../question.ts'
import { holdCall, httpContestant, openTiers, tierLedger } from '../sale.ts'

const BUYERS = 50
const A_THIRD = 1 / 3
const BESIDE = 'sold_out_beside_buyers'

/** Who comes too late is told so at once, and keeps nobody from buying. */
export const soldOut: Question = {
  name: 'sold-out',
  asks: 'What does an answer of "sold out" cost beside a sale, and does it wait behind buyers?',
  seconds: 3,
  ratios: [
    {
      name: 'sold_out_over_sale',
      label: 'time of an answer, 1 user: sold out : sale',
      of: ['sold_out_1', 'sale_1'],
      by: 'p50Ms',
      target: { atMost: A_THIRD },
    },
    {
      name: 'sold_out_over_sale_cpu',
      label: `CPU of an answer, ${BUYERS} users: sold out : sale`,
      of: [`sold_out_${BUYERS}`, `sale_${BUYERS}`],
      by: 'cpuMs',
      target: { atMost: A_THIRD },
    },
    {
      name: 'beside_buyers_over_sale',
      label: `p99 beside ${BUYERS} buyers: sold out : sale`,
      of: [BESIDE, `sale_${BUYERS}`],
      by: 'p99Ms',
      target: { atMost: A_THIRD },
    },
  ],
  open: async (world) => {
    const database = await world.openDatabase()
    const names = ['sale-1', `sale-${BUYERS}`, 'beside', 'gone']
    const tierOf = await openTiers(database, names)
    const gone = tierOf('gone')
    await database.client.query('update ticket_tiers set total_quantity = 1 where id = $1', [gone])
    await database.client.query('select reserve_tickets_atomically($1, 1)', [gone])
    const server = await world.startServer(database.url)
    const { url } = server
    const [load, buyers] = [
      await world.keep(openLoad('http'), (it) => it.close()),
      await world.keep(openLoad('http'), (it) => it.close()),
    ]
    const late = (users: number) => ({
      ...holdCall(world, url, [gone], users),
      success: 'INSUFFICIENT_TICKETS',
    })
    const sale = (users: number) =>
      httpContestant(
        load,
        url,
        { name: `sale_${users}`, label: `a sale, ${usersText(users)}`, warmsUp: users === BUYERS },
        () => holdCall(world, url, [tierOf(`sale-${users}`)], users),
      )
    const soldOutTo = (users: number) =>
      withoutRows(
        httpContestant(
          load,
          url,
          { name: `sold_out_${users}`, label: `sold out, ${usersText(users)}`, warmsUp: users === BUYERS },
          () => late(users),
        ),
      )
    const buying = httpContestant(buyers, url, { name: 'buying', label: 'buyers' }, () =>
      holdCall(world, url, [tierOf('beside')], BUYERS),
    )
    const beside = httpContestant(
      load,
      url,
      { name: BESIDE, label: `sold out beside ${BUYERS} buyers`, warmsUp: false },
      () => late(1),
    )
    return {
      contestants: [sale(1), soldOutTo(1), sale(BUYERS), soldOutTo(BUYERS), together(beside, buying)],
      ledgers: [
        ...[1, BUYERS].map((users) =>
          tierLedger(database, [tierOf(`sale-${users}`)], `a sale, ${usersText(users)}`, [`sale_${users}`]),
        ),
        tierLedger(database, [tierOf('beside')], 'buyers beside', [BESIDE]),
        withoutFirst(tierLedger(database, [gone], 'sold out', [`sold_out_1`, `sold_out_${BUYERS}`])),
      ],
      serverPid: () => server.pid,
    }
  },
}

function usersText(users: number): string {
  return users === 1 ? '1 user' : `${users} users`
}

/** Refusals, which leave no row. */
function withoutRows(contestant: Contestant): Contestant {
  return { ...contestant, run: async (window) => ({ ...(await contestant.run(window)), answered: 0 }) }
}

/** What the first one is told while the second one buys, whose rows are counted. */
function together(asking: Contestant, buying: Contestant): Contestant {
  return {
    ...asking,
    run: async (window) => {
      const [told, { answered }] = await Promise.all([asking.run(window), buying.run(window)])
      return { ...told, answered }
    },
  }
}

/** The hold that made it sold out was asked for by nobody who is measured. */
function withoutFirst(ledger: Ledger): Ledger {
  return {
    ...ledger,
    count: async () => {
      const { rows, counter = rows } = await ledger.count()
      return { rows: rows - 1, counter: counter - 1 }
    },
  }
}
