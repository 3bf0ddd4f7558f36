import { onlyWhole } from '../scenario.ts'
import type { DatabaseScenario } from './scenario.ts'

const STOCK = 500

/** A tier at work: more looks than holds, more holds than orders, until it is sold out and beyond. */
export const mixedSale: DatabaseScenario = {
  name: 'mixed-sale',
  story: 'Fifty clients look, hold, give back and buy at once, until nothing is left: each ticket goes once.',
  scripts: [
    { file: 'database-tests/pgbench-availability.sql', weight: 5 },
    { file: 'database-tests/pgbench-holds.sql', weight: 3 },
    { file: 'database-tests/pgbench-orders.sql', weight: 2 },
  ],
  obstacle: onlyWhole,
  size: 'mixed',
  maxTries: 1,
  stock: STOCK,
  judge: async (client, tierId, load) => {
    const [seen] = (await client.query<Seen>(SEEN, [tierId])).rows
    if (seen === undefined) throw new Error('a count gives one row')
    const [looks = 0, holds = 0, orders = 0] = load.scripts.map(({ latencyMs }) => latencyMs.count)
    const refused = orders - seen.orders
    return {
      checks: [
        {
          name: `never more than ${STOCK} tickets are sold or held`,
          verdict: seen.tickets + seen.held > STOCK ? 'FAIL' : 'PASS',
          detail: `${seen.tickets} sold, ${seen.held} held`,
          ...(seen.tickets + seen.held > STOCK ? { witness: seen } : {}),
        },
        {
          name: 'what is counted is what is there',
          verdict: seen.sold === seen.tickets && seen.reserved === seen.held ? 'PASS' : 'FAIL',
          detail: `${seen.sold} counted as sold, ${seen.reserved} as held`,
          ...(seen.sold === seen.tickets && seen.reserved === seen.held ? {} : { witness: seen }),
        },
        {
          name: 'every order has one ticket',
          verdict: seen.orders === seen.tickets ? 'PASS' : 'FAIL',
          detail: `${seen.orders} orders, ${seen.tickets} tickets`,
        },
      ],
      mustHaveHappened: [
        { what: 'tickets sold', times: seen.tickets },
        { what: 'buyers told that it is sold out', times: refused },
        { what: 'holds given back', times: seen.released },
        { what: 'looks at what is left', times: looks },
      ],
      outcomes: { success: seen.orders + holds + looks, INSUFFICIENT_TICKETS: refused },
    }
  },
}

interface Seen {
  readonly sold: number
  readonly reserved: number
  readonly tickets: number
  readonly orders: number
  readonly held: number
  readonly released: number
}

/** The two counters of the tier beside the rows that they count. */
const SEEN = `select t.sold_quantity as sold, t.reserved_quantity as reserved,
    (select count(*)::int from tickets k where k.tier_id = t.id and k.status in ('valid', 'used', 'refunding', 'void')) as tickets,
    (select count(distinct k.order_id)::int from tickets k where k.tier_id = t.id) as orders,
    (select coalesce(sum(h.quantity), 0)::int from ticket_holds h where h.tier_id = t.id and h.status = 'active') as held,
    (select count(*)::int from ticket_holds h where h.tier_id = t.id and h.status = 'released') as released
  from ticket_tiers t where t.id = $1`
