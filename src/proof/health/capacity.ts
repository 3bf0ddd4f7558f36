import type { Client } from 'pg'
import type { CapacityMetric } from '../measures.ts'

/** Slugs of events. */
interface Events {
  /** Whose buyers were told that it is sold out: 20,000 places for a hundred guests have no utilization to speak of. */
  readonly soldOut: readonly string[]
  /** Whose buyers came over HTTP: at the database nobody goes on from a hold to an order. */
  readonly overHttp: readonly string[]
}

/** Capacity metrics of what the run has sold, counted from rows of its main database. */
export async function readCapacity(client: Client, events: Events): Promise<readonly CapacityMetric[]> {
  const [counts] = (await client.query<Counts>(COUNTS, [events.soldOut, events.overHttp])).rows
  if (counts === undefined) throw new Error('a count gives one row')
  const { places, taken, holds, expired, converted, orders, paid } = counts
  const soldOut = counts.sold_out.join(', ')
  const overHttp = counts.over_http.join(', ')
  const carts = { from: `ticket_holds of ${overHttp}`, without: 'nothing was held over HTTP' }
  return [
    metric('inventory utilization', taken, places, {
      what: 'places sold or held in the end, of those that had more buyers',
      from: `tickets and ticket_holds of ${soldOut}`,
      without: 'nobody was told that it is sold out',
    }),
    metric('hold expiration rate', expired, holds, { what: 'holds that ended unused, of all', ...carts }),
    metric('cart abandonment', holds - converted, holds, {
      what: 'holds that had become no ticket when the run ended, of all',
      ...carts,
    }),
    metric('conversion rate', paid, orders, {
      what: 'orders that were paid, of all',
      from: `orders of ${overHttp}`,
      without: 'nothing was ordered',
    }),
  ]
}

interface Words {
  readonly what: string
  readonly from: string
  /** Why there is none. */
  readonly without: string
}

function metric(name: string, part: number, whole: number, { what, from, without }: Words): CapacityMetric {
  return whole === 0
    ? { name, share: null, part, whole, what, from: `${without} in this run` }
    : { name, share: part / whole, part, whole, what, from }
}

interface Counts {
  /** Those of the events that are in this database: a scenario may have one of its own. */
  readonly sold_out: readonly string[]
  readonly over_http: readonly string[]
  readonly places: number
  readonly taken: number
  readonly holds: number
  readonly expired: number
  readonly converted: number
  readonly orders: number
  readonly paid: number
}

const COUNTS = `with tiers as (
    select t.id, t.total_quantity from ticket_tiers t join events e on e.id = t.event_id where e.slug = any($1)
  ), held as (
    select h.status from ticket_holds h join events e on e.id = h.event_id where e.slug = any($2)
  ), ordered as (
    select o.paid_at from orders o join events e on e.id = o.event_id where e.slug = any($2)
  )
  select array(select slug::text from events where slug = any($1) order by slug) as sold_out,
    array(select slug::text from events where slug = any($2) order by slug) as over_http,
    coalesce((select sum(total_quantity) from tiers), 0)::int as places,
    ((select count(*) from tickets k join tiers on tiers.id = k.tier_id where k.status in ('valid', 'used', 'refunding', 'void'))
      + coalesce((select sum(h.quantity) from ticket_holds h join tiers on tiers.id = h.tier_id where h.status = 'active'), 0))::int as taken,
    (select count(*)::int from held) as holds,
    (select count(*)::int from held where status = 'expired') as expired,
    (select count(*)::int from held where status = 'converted') as converted,
    (select count(*)::int from ordered) as orders,
    (select count(*)::int from ordered where paid_at is not null) as paid`
