import { SLUG_PATTERN } from '../../core/limits.ts'
import { call, literal } from '../../db/call.ts'
import type { Database } from '../../db/pool.ts'
import { ANON } from '../../desk/callers.ts'

/** What the pages show of an event; times are ISO 8601. */
export interface EventView {
  readonly id: string
  readonly slug: string
  readonly title: string
  readonly description: string | null
  readonly organiser: string
  /** The house's, in which its times are told. */
  readonly time_zone: string
  readonly start_at: string
  readonly end_at: string
  readonly venue: string | null
  readonly city: string | null
  readonly status: string
  readonly currency: string
  readonly tiers: readonly TierView[]
}

export interface TierView {
  readonly id: string
  readonly name: string
  readonly price_cents: number
  /** What the event adds to a ticket. */
  readonly fee_cents: number
  readonly total_quantity: number
  readonly sold_quantity: number
  readonly reserved_quantity: number
  readonly max_per_order: number | null
  readonly status: string
  readonly sale_start_at: string | null
  readonly sale_end_at: string | null
}

/** The next events that sell, or will: at most `EVENTS_MAX`, the soonest first. */
export function readEvents(database: Database): Promise<readonly EventView[]> {
  return read(database, ON_SALE)
}

/** An event that is published or cancelled; undefined where there is none of this name. */
export async function readEvent(database: Database, slug: string): Promise<EventView | undefined> {
  if (!SLUG_PATTERN.test(slug)) return undefined
  const [event] = await read(database, `e.slug = ${literal(slug)}`)
  return event
}

/** As anybody may: the row policies hide drafts. */
async function read(database: Database, condition: string): Promise<readonly EventView[]> {
  const sql = `
    select coalesce(json_agg(v order by v.start_at, v.slug), '[]')::text from (
      select e.id, e.slug, e.title, e.description, b.name as organiser, b.time_zone, e.start_at, e.end_at, e.venue, e.city, e.status,
        e.currency,
        (select coalesce(json_agg(t order by t.price_cents desc, t.name, t.id), '[]') from (
          select t.id, t.name, t.price_cents,
            ticketing.ticket_fee(t.price_cents, e.fee_fixed_cents, e.fee_basis_points, t.currency) as fee_cents, t.total_quantity, t.sold_quantity, t.reserved_quantity, t.max_per_order,
            t.status, t.sale_start_at, t.sale_end_at
          from public.ticket_tiers t where t.event_id = e.id) t) as tiers
      from public.events e join public.businesses b on b.id = e.business_id
      where e.status <> 'draft' and ${condition} order by e.start_at, e.slug limit ${EVENTS_MAX}) v`
  const rows = await call(database, { caller: ANON, sql, readOnly: true })
  return JSON.parse(rows[0]?.[0] ?? '[]') as EventView[]
}

const EVENTS_MAX = 100

const ON_SALE = `e.status = 'published' and e.end_at > now() and exists (
  select from public.ticket_tiers t where t.event_id = e.id and t.status = 'active' and (t.sale_end_at > now()) is not false)`
