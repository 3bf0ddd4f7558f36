import { ledgerOf } from '../proof/stand-in.ts'
import type { HttpLoad } from './load/orders.ts'
import type { LoadProcess } from './load/process.ts'
import { postOf } from './load/request.ts'
import type { BenchDatabase, BenchShop, Contestant, Ledger, WindowOrder, World } from './question.ts'

/** The most that a tier may have: a run that sold it out would not add up. */
const STOCK = 10_000_000

const TIERS = `
  with b as (insert into businesses (slug, name) values ('bench', 'Bench') returning id),
    e as (insert into events (business_id, slug, title, start_at, end_at, status)
      select id, 'bench', 'Bench', now() + interval '1 day', now() + interval '2 days', 'published' from b returning id, currency)
  insert into ticket_tiers (event_id, slug, name, price_cents, currency, total_quantity)
    select e.id, s.slug, s.slug, s.price, e.currency, ${STOCK} from e, unnest($1::text[], $2::integer[]) as s(slug, price) returning slug, id`

/** One event, with a tier of each name, free where no price is given; the ids by name. */
export async function openTiers(
  { client }: BenchDatabase,
  names: readonly string[],
  priceOf: (name: string) => number = () => 0,
): Promise<(name: string) => string> {
  const { rows } = await client.query<{ slug: string; id: string }>(TIERS, [names, names.map(priceOf)])
  const ids = new Map(rows.map(({ slug, id }) => [slug, id]))
  return (name) => {
    const id = ids.get(name)
    if (id === undefined) throw new Error(`no tier ${name}`)
    return id
  }
}

/** The holds of some tiers, whatever became of them since; a tier's own counter knows those that live, and is set against them. */
export function tierLedger(
  { client }: BenchDatabase,
  tierIds: readonly string[],
  label: string,
  of: readonly string[],
): Ledger {
  const count = async () => {
    const { rows } = await client.query<{ rows: number; drift: number }>(
      `select count(h.id)::int as rows, t.reserved_quantity - count(h.id) filter (where h.status = 'active')::int as drift
       from ticket_tiers t left join ticket_holds h on h.tier_id = t.id where t.id = any ($1::uuid[]) group by t.id`,
      [tierIds],
    )
    const found = rows.reduce((sum, tier) => sum + tier.rows, 0)
    // Not their sum: two tiers that are wrong must not make one that is right.
    return { rows: found, counter: found + (rows.find(({ drift }) => drift !== 0)?.drift ?? 0) }
  }
  return { label, of, count }
}

/** Tickets of some tiers that were issued, beside their paid orders, of one ticket each, and what the tiers count as sold. */
export function ticketLedger(
  { client }: BenchDatabase,
  tierIds: readonly string[],
  label: string,
  of: readonly string[],
): Ledger {
  const count = async () => {
    const { rows } = await client.query<{ rows: number; orders: number; sold: number }>(
      `select (select count(*) from tickets where tier_id = any ($1::uuid[]) and status = 'valid')::int as rows,
        (select count(*) from orders o where o.status = 'paid' and exists (
          select from order_items i where i.order_id = o.id and i.tier_id = any ($1::uuid[])))::int as orders,
        (select sum(sold_quantity) from ticket_tiers where id = any ($1::uuid[]))::int as sold`,
      [tierIds],
    )
    const [{ rows: found, orders, sold } = { rows: -1, orders: -1, sold: -1 }] = rows
    return { rows: found, counter: orders === found ? sold : orders }
  }
  return { label, of, count }
}

/** What the provider says was paid, beside the payments that we know of. */
export function paymentLedger(
  { client }: BenchDatabase,
  { standIn }: Pick<BenchShop, 'standIn'>,
  of: readonly string[],
): Ledger {
  const count = async () => {
    const { payments } = await ledgerOf(standIn)
    const { rows } = await client.query<{ counter: number }>(
      `select count(*)::int as counter from ticketing.payments where status <> 'unmatched'`,
    )
    const paid = payments.filter(({ status }) => status === 'succeeded')
    return { rows: paid.length, counter: rows[0]?.counter ?? -1 }
  }
  return { label: 'payments at the provider', of, count }
}

export type HttpCall = Pick<HttpLoad, 'requests' | 'users' | 'status' | 'success' | 'perSecond' | 'isOnce'>

/** Callers over HTTP; what they call may be known only when a window is prepared. */
export function httpContestant(
  load: LoadProcess<HttpLoad>,
  url: string,
  { name, label, warmsUp = true }: Pick<Contestant, 'name' | 'label' | 'warmsUp'>,
  call: () => HttpCall,
  prepare?: (window: WindowOrder) => Promise<void>,
): Contestant {
  const { hostname: host, port } = new URL(url)
  return {
    name,
    label,
    warmsUp,
    run: async ({ seconds, signal }) => {
      const order = { host, port: Number(port), seconds, ...call() }
      const { cpuSeconds, ...came } = await load.run(order, signal)
      return { seconds, ...came, loadCpuSeconds: cpuSeconds }
    },
    ...(prepare === undefined ? {} : { prepare }),
  }
}

/** Holds of one ticket, one by one, by RPC, of these tiers in turn. */
export function holdCall(
  { anonKey }: Pick<World, 'anonKey'>,
  url: string,
  tierIds: readonly string[],
  users: number,
): HttpCall {
  const sender = { url, path: '/rest/v1/rpc/reserve_tickets_atomically', key: anonKey }
  const requests = tierIds.map((tierId) => postOf(sender, { p_tier_id: tierId, p_quantity: 1 }))
  return { requests, users, status: 200, success: '"hold_id"' }
}

/** The same as carts of one line, in a session that the server makes. */
export function cartCall(
  { anonKey }: Pick<World, 'anonKey'>,
  url: string,
  tierIds: readonly string[],
  users: number,
): HttpCall {
  const sender = { url, path: '/rest/v1/rpc/reserve_tickets_batch', key: anonKey }
  const requests = tierIds.map((tierId) =>
    postOf(sender, { p_reservations: [{ tier_id: tierId, quantity: 1 }] }),
  )
  return { requests, users, status: 200, success: '"hold_ids"' }
}

/** Parsed, validated and refused by the server, without a look at the database. */
export function emptyCall({ anonKey }: Pick<World, 'anonKey'>, url: string, users: number): HttpCall {
  const requests = [postOf({ url, path: '/functions/v1/create-ticket-checkout', key: anonKey }, {})]
  return { requests, users, status: 400, success: '"success":false' }
}
