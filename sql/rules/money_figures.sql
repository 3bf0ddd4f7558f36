-- money_figures: what operating_figures says of payments, refunds and calls to the provider. Sums are in minor units. All of them are
-- counted in partial indexes, also while their tables are not analyzed and a scan of them looks cheap.
create or replace function ticketing.money_figures(p_now timestamptz) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
  select jsonb_build_object(
    'webhooks_unmatched', (select count(*) from public.webhook_events w where w.payload is not null),
    'payments_unmatched', (select count(*) from ticketing.payments p where p.status = 'unmatched'),
    'sessions_due', (select count(*) from ticketing.checkout_sessions c where c.ask_at <= p_now),
    'sessions_overdue_seconds', ticketing.seconds_since(
      (select min(c.ask_at) from ticketing.checkout_sessions c where c.ask_at is not null), p_now),
    'refunds', (select coalesce(jsonb_agg(to_jsonb(unfinished)), '[]') from (
      select r.status, r.currency, count(*) as count, sum(r.amount_cents) as cents
      from ticketing.refunds r where r.status <> 'succeeded' group by r.status, r.currency
      order by r.status, r.currency) unfinished),
    'refunds_overdue_seconds', ticketing.seconds_since(
      (select min(r.ask_at) from ticketing.refunds r where r.ask_at is not null), p_now),
    'cancellations', (select count(*) from ticketing.cancellations c where c.passed_at is null))
$$;
