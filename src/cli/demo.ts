import type pg from 'pg'

/** What an empty database is opened with; prices in cents of EUR. */
export const DEMO = { slug: 'summer-night', freeTier: 'general-admission' } as const

/** On a database without any event: one that can be ordered from at once. True where it was made. */
export async function openDemo(client: pg.Client): Promise<boolean> {
  const made = await client.query(
    `with b as (insert into businesses (slug, name) select 'demo-house', 'Demo House'
                where not exists (select from events) returning id),
          e as (insert into events (business_id, slug, title, description, start_at, end_at, venue, city, status,
                  currency, fee_fixed_cents, fee_basis_points)
                select id, $1, 'Summer Night', 'A demo event: order as many as you like.',
                  date_trunc('day', now()) + interval '30 days 20 hours', date_trunc('day', now()) + interval '31 days',
                  'Open Air Stage', 'Springfield', 'published', 'EUR', 50, 200 from b returning id)
     insert into ticket_tiers (event_id, slug, name, price_cents, currency, total_quantity)
       select e.id, t.slug, t.name, t.price_cents, 'EUR', t.total
       from e, (values ('front-row', 'Front row', 2500, 100), ($2, 'General admission', 0, 500)) t (slug, name, price_cents, total)`,
    [DEMO.slug, DEMO.freeTier],
  )
  return (made.rowCount ?? 0) > 0
}
