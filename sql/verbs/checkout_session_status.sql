-- checkout_session_status: how far a checkout is; knowing the session's id is owning it. A pending one with little time left
-- is given more, once.
--
-- Answers, first that applies:
--   SESSION_NOT_FOUND
--   LOCK_TIMEOUT
--   success  {success: true, status: pending | complete | expired, order_id, order_url, expires_at, subtotal_cents, fees_cents,
--            total_cents, currency, can_extend_hold, extended}
-- The payment's deadline does not move: it is beyond the longest that a buyer can be given by the settings that both were made
-- under, which stand with the session; another setting is for later orders.
-- Locks:  the order, only to extend.
-- Writes: orders, ticket_holds (extended_at), only to extend.
create or replace function ticketing.checkout_session_status(p_session_id text, p_public_url text default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
  v_terms ticketing.checkout_sessions;
  v_now timestamptz := clock_timestamp();
  v_extended boolean := false;
begin
  if p_session_id like 'free\_%' then
    select o.* into v_order from public.orders o where o.secret = substring(p_session_id from '[^_]*$') and o.total_cents = 0
      -- Before 0.2.0 the order did not stand in it.
      and p_session_id in (concat_ws('_', 'free', o.id, o.secret), 'free_' || o.secret);
  else
    select o.* into v_order from ticketing.checkout_sessions s join public.orders o on o.id = s.order_id
      where s.session_id = p_session_id;
  end if;
  if v_order.id is null then
    return ticketing.refused('SESSION_NOT_FOUND');
  end if;
  if v_order.status = 'pending' and v_order.extended_at is null and v_order.expires_at >= v_now then
    select * into v_terms from ticketing.checkout_sessions s where s.order_id = v_order.id order by s.attempt limit 1;
  end if;
  if v_order.expires_at <= v_now + v_terms.extend_below then
    v_order := ticketing.lock_order(v_order.id);
    v_now := clock_timestamp();
    -- Looked at again: under the lock it may be paid, over, or extended by another tab.
    if v_order.status = 'pending' and v_order.extended_at is null and v_order.expires_at > v_now then
      update public.orders set extended_at = v_now, expires_at = expires_at + v_terms.hold_extension
        where id = v_order.id returning * into v_order;
      update public.ticket_holds set extended_at = v_now where order_id = v_order.id and status is not distinct from 'active';
      v_extended := true;
    end if;
  end if;
  return jsonb_build_object('success', true, 'order_id', v_order.id, 'expires_at', v_order.expires_at,
    'order_url', ticketing.order_url(v_order, jsonb_build_object('public_url', p_public_url)),
    'status', case when v_order.tickets_issued_at is not null then 'complete' when v_order.status = 'pending' then 'pending'
      else 'expired' end,
    'subtotal_cents', v_order.subtotal_cents, 'fees_cents', v_order.fees_cents, 'total_cents', v_order.total_cents,
    'currency', v_order.currency, 'extended', v_extended,
    'can_extend_hold', v_order.status = 'pending' and v_order.extended_at is null and v_order.expires_at > v_now);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
