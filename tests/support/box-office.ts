import type { TestDatabase } from './database.ts'

export interface BoxOffice {
  readonly businessId: string
  readonly staffId: string
  readonly eventId: string
  readonly eventSlug: string
}

/** A business with one member of staff and one published event that is a day away. */
export async function openBoxOffice(db: TestDatabase): Promise<BoxOffice> {
  const [row] = await db.rows<{
    business_id: string
    event_id: string
    event_slug: string
    staff_id: string
  }>(`
    with b as (insert into businesses (slug, name)
                 values ('house-' || left(gen_random_uuid()::text, 8), 'The House') returning id),
         s as (insert into business_staff (business_id, user_id) select id, gen_random_uuid() from b returning user_id),
         e as (insert into events (business_id, slug, title, start_at, end_at, status)
               select id, 'gala-' || left(gen_random_uuid()::text, 8), 'Gala', now() + interval '1 day',
                      now() + interval '2 days', 'published' from b returning id, slug)
    select b.id as business_id, e.id as event_id, e.slug as event_slug, s.user_id as staff_id from b, e, s`)
  if (row === undefined) throw new Error('the box office could not be opened')
  return {
    businessId: row.business_id,
    staffId: row.staff_id,
    eventId: row.event_id,
    eventSlug: row.event_slug,
  }
}

/** Somebody more who works for a business, and gives the user's id. */
export const addStaff = (db: TestDatabase, businessId: string, role: string): Promise<string> =>
  db.value<string>(
    'insert into business_staff (business_id, user_id, role) values ($1, gen_random_uuid(), $2) returning user_id',
    [businessId, role],
  )

export interface TierOptions {
  readonly total?: number
  readonly maxPerOrder?: number | null
  readonly maxPerPerson?: number
  readonly priceCents?: number
  readonly slug?: string
  readonly status?: string
  readonly saleStartAt?: string
  readonly saleEndAt?: string
}

/** Adds a free tier of 10, or as asked, and gives its id. */
export function addTier(db: TestDatabase, eventId: string, options: TierOptions = {}): Promise<string> {
  return db.value<string>(
    `insert into ticket_tiers (event_id, slug, name, price_cents, total_quantity, max_per_order, status, sale_start_at, sale_end_at,
       max_per_person, currency)
     select id, coalesce($2, 'tier-' || left(gen_random_uuid()::text, 8)), 'Floor', $3, $4, $5, $6, $7, $8, $9, currency
     from events where id = $1 returning id`,
    [
      eventId,
      options.slug ?? null,
      options.priceCents ?? 0,
      options.total ?? 10,
      options.maxPerOrder ?? null,
      options.status ?? 'active',
      options.saleStartAt ?? null,
      options.saleEndAt ?? null,
      options.maxPerPerson ?? null,
    ],
  )
}

/** Adds a tier whose price was saved before anything judged it. */
export async function addUnjudgedTier(
  db: TestDatabase,
  eventId: string,
  options: TierOptions,
): Promise<string> {
  await db.rows('alter table ticket_tiers disable trigger trg_check_tier_price')
  try {
    return await addTier(db, eventId, options)
  } finally {
    await db.rows('alter table ticket_tiers enable always trigger trg_check_tier_price')
  }
}

/** Orders free tickets and gives their ids. */
export async function buyTickets(
  db: TestDatabase,
  eventId: string,
  tierId: string,
  quantity: number,
): Promise<string[]> {
  const answer = await db.value<{ success: boolean; tickets: { id: string }[] }>(
    'select ticketing.checkout($1)',
    [
      {
        event: eventId,
        items: [{ tier: tierId, quantity }],
        customer_name: 'Ada Buyer',
        customer_email: 'ada@example.org',
      },
    ],
  )
  if (!answer.success) throw new Error(`no tickets: ${JSON.stringify(answer)}`)
  return answer.tickets.map((ticket) => ticket.id)
}
