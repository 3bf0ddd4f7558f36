-- cancel_order: its buyer gives a pending order up. Its time to pay ends now. Where the provider may have an open session the
-- holds wait until that is expired, which the caller asks for at once and the job if the caller does not; else they are free now.
--
-- Answers, first that applies:
--   ORDER_NOT_FOUND    also where neither the secret nor the caller is the order's
--   ORDER_PAID         its payment was kept, or it was free: tickets are refunded, not given up
--   PAYMENT_UNDER_WAY  the buyer authorised a payment that needs days
--   LOCK_TIMEOUT
--   success            {success: true, status: expired | pending, order_id, released, payment: null or order_payment's}
--     pending: the session of `payment` is to be expired and settled; asked again, the answer says what became of it
-- A payment that arrives nevertheless is a late one: take_payment decides.
-- Locks:  order, tiers, ascending id.
-- Writes: orders, checkout_sessions, ticket_holds; the counters follow by trigger.
create or replace function ticketing.cancel_order(p_order_id uuid, p_secret text default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_order public.orders;
  v_session ticketing.checkout_sessions;
  v_released integer := 0;
begin
  -- Whose it is, before its lock: a stranger waits for nothing, and nobody for a stranger.
  if not exists (select from public.orders o where o.id = p_order_id
      and (v_caller.is_trusted or o.secret = p_secret or o.user_id = v_caller.user_id)) then
    return ticketing.refused('ORDER_NOT_FOUND');
  end if;
  v_order := ticketing.lock_order(p_order_id);
  if v_order.tickets_issued_at is not null or v_order.status not in ('pending', 'expired', 'cancelled') then
    return ticketing.refused('ORDER_PAID');
  end if;
  if v_order.status = 'pending' then
    v_session := ticketing.last_session(p_order_id);
    if v_session.status = 'complete' then
      return ticketing.refused('PAYMENT_UNDER_WAY');
    end if;
    -- Lease: an open session is the caller's to expire, for as long as its call may take.
    v_released := ticketing.give_up_order(v_order, v_session, clock_timestamp() + ticketing.call_time());
    if v_session.status in ('creating', 'open') then
      return jsonb_build_object('success', true, 'status', 'pending', 'order_id', p_order_id, 'released', 0,
        'payment', ticketing.order_payment(v_session));
    end if;
  end if;
  return jsonb_build_object('success', true, 'status', 'expired', 'order_id', p_order_id, 'released', v_released, 'payment', null);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
