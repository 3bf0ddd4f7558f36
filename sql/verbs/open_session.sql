-- open_session: the provider opened the session that was asked for. Twice is once.
-- Answers: {success: true, session_id, url, abandoned}; abandoned: the order ended meanwhile, the session is to be expired.
--          ORDER_NOT_FOUND
-- Locks:  the order.
-- Writes: checkout_sessions.
create or replace function ticketing.open_session(p_order_id uuid, p_attempt integer, p_session jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
  v_now timestamptz;
  v_abandoned boolean;
begin
  v_order := ticketing.lock_order(p_order_id);
  v_now := clock_timestamp();
  v_abandoned := v_order.status <> 'pending' or v_order.expires_at <= v_now;
  update ticketing.checkout_sessions s
    set status = case when s.status in ('creating', 'refused') then 'open' else s.status end,
        session_id = p_session ->> 'id', url = p_session ->> 'url', asked = 0, last_error = null,
        ask_at = case when s.status = 'expired' or s.status = 'complete' and v_order.status <> 'pending' then null when v_abandoned then v_now
          else least(v_now + (select t.ask_after from ticketing.settings t), v_order.expires_at) end
    where s.order_id = p_order_id and s.attempt = p_attempt;
  if not found then
    return ticketing.refused('ORDER_NOT_FOUND');
  end if;
  return jsonb_build_object('success', true, 'session_id', p_session ->> 'id', 'url', p_session ->> 'url',
    'abandoned', v_abandoned and v_order.status <> 'paid');
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
