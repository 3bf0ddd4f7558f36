-- claim_order_ticketing: true for the one caller that may issue the order's tickets now. A claim whose transaction ended
-- without tickets lapses after a minute, so that a crash strands no order; issuing is idempotent by itself.
-- Locks:  the order.
-- Writes: orders.
create or replace function ticketing.claim_order_ticketing(p_order_id uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
  v_now timestamptz;
begin
  v_order := ticketing.lock_order(p_order_id);
  v_now := clock_timestamp();
  if v_order.id is null or v_order.status <> 'paid' or v_order.tickets_issued_at is not null
      or v_order.ticketing_claimed_at > v_now - interval '1 minute' then
    return false;
  end if;
  update public.orders set ticketing_claimed_at = v_now where id = p_order_id;
  return true;
exception when lock_not_available or deadlock_detected then
  return false;
end
$$;
