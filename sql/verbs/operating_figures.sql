-- operating_figures: what an operator watches, as one object of counts, sums and ages; of the events on sale the p_events that
-- have sold and hold the most. Nothing of a person. It reads counters and partial indexes: the number of tickets, orders and
-- payments there ever were does not matter. It waits a second for a lock, such as an update's, and gives up (55P03).
--
-- Answers: {events_on_sale, total, sold, held, events: [{slug, total, sold, held}], holds_overdue_seconds, holds_expired (in five minutes),
--   orders_pending, webhooks_unmatched, payments_unmatched, sessions_due, sessions_overdue_seconds, refunds: [{status, currency, count, cents}],
--   refunds_overdue_seconds, cancellations, connections, connections_max, lock_waits, transaction_seconds, deadlocks,
--   standbys: [{name, bytes, seconds}], slots: [{name, active, bytes}], jobs: [{name, failed, seconds}]}
create or replace function ticketing.operating_figures(p_events integer default 20) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '1s' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  if p_events is null or p_events not between 0 and 100 then
    raise exception 'p_events must be 0 to 100' using errcode = '22023';
  end if;
  return ticketing.sale_figures(p_events, v_now)
    || ticketing.money_figures(v_now)
    || ticketing.server_figures(v_now)
    || jsonb_build_object('jobs', ticketing.scheduled_jobs(v_now));
end
$$;
