-- refuse_session: the provider said no for good: there is no session, and nobody will pay.
-- Answers: {success: true, released}; ORDER_NOT_FOUND
-- Locks:  the order, tiers, ascending id.
-- Writes: checkout_sessions, orders, ticket_holds; the counters follow by trigger.
create or replace function ticketing.refuse_session(p_order_id uuid, p_attempt integer, p_error text) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
begin
  v_order := ticketing.lock_order(p_order_id);
  update ticketing.checkout_sessions s set status = 'refused', ask_at = null, last_error = left(p_error, 1000)
    where s.order_id = p_order_id and s.attempt = p_attempt and s.status in ('creating', 'refused');
  if not found then
    return ticketing.refused('ORDER_NOT_FOUND');
  end if;
  return jsonb_build_object('success', true, 'released', ticketing.expire_order(v_order));
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
