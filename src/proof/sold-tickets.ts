import type { Client } from 'pg'

export interface FixtureTicket {
  readonly id: string
  readonly event_id: string
  readonly order_id: string
  /** The code that a gate reads. */
  readonly qr_code: string
}

/** Tickets of one free order, bought so long ago that a gate's clock may be wrong by less. */
export async function sellTickets(
  client: Client,
  eventId: string,
  tierId: string,
  quantity: number,
): Promise<FixtureTicket[]> {
  const order = await client.query<{ order_id: string; item_id: string }>(
    `with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name,
                  paid_at, tickets_issued_at)
                values ($1, 'fixture', 'paid', 'EUR', 0, 'fixture@example.org', 'Fixture', now(), now()) returning id),
          i as (insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
                select id, $1, $2, $3, 0 from o returning id)
     select o.id as order_id, i.id as item_id from o, i`,
    [eventId, tierId, quantity],
  )
  const tickets = await client.query<FixtureTicket>(
    `insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal, created_at)
     select $1, $2, $3, $4, n, now() - interval '30 days' from generate_series(1, $5::integer) n returning id, event_id, order_id, qr_code`,
    [eventId, tierId, order.rows[0]?.order_id, order.rows[0]?.item_id, quantity],
  )
  return tickets.rows
}
