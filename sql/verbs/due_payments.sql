-- due_payments: at most p_limit payments of which the provider has refunds that we do not know, leased as due_refunds does:
-- the caller lists them, and calls settle_refund for each. Given up after ten turns; the next event asks anew.
-- Answers: [{payment_id, order_id}]
-- Writes: payments.
create or replace function ticketing.due_payments(p_limit integer default 20, p_livemode boolean default false) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan'
  set enable_seqscan = off set enable_hashjoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_due jsonb;
begin
  with due as (
    select p.id from ticketing.payments p where p.ask_at <= v_now and p.livemode = p_livemode order by p.ask_at limit p_limit for update skip locked),
  leased as (
    update ticketing.payments p set asked = p.asked + 1,
        ask_at = case when p.asked < 10 then v_now + ticketing.next_turn(p.asked) end
      from due d where p.id = d.id returning p.id, p.order_id)
  select coalesce(jsonb_agg(jsonb_build_object('payment_id', l.id, 'order_id', l.order_id)), '[]') into v_due from leased l;
  return v_due;
end
$$;
