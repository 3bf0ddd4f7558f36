/** What the database holds of an event that was sold for money. Amounts in minor units. */
export interface Books {
  readonly tickets: number
  readonly paid_orders: number
  /** Payments that pay their order. */
  readonly payments: number
  readonly payments_cents: number
  readonly captured_cents: number
  /** What tickets and fees are owed, by the books. */
  readonly owed_cents: number
}

export const BOOKS = `select
  (select count(*)::int from tickets k where k.event_id = e.id and k.status in ('valid', 'used', 'refunding', 'void')) as tickets,
  (select count(*)::int from orders o where o.event_id = e.id and o.status = 'paid') as paid_orders,
  (select count(*)::int from ticketing.payments p where p.event_id = e.id and p.status = 'kept') as payments,
  (select coalesce(sum(p.amount_cents), 0)::int from ticketing.payments p where p.event_id = e.id and p.status = 'kept') as payments_cents,
  (select coalesce(sum(l.amount_cents), 0)::int from ticketing.ledger_entries l where l.event_id = e.id and l.account = 'captured')
    as captured_cents,
  (select coalesce(-sum(l.amount_cents), 0)::int from ticketing.ledger_entries l
   where l.event_id = e.id and l.account in ('tickets', 'fees')) as owed_cents
  from events e where e.id = $1`
