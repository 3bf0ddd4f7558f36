-- give_up_order: a pending order will not be paid: its time to pay ends now. Where the provider may have an open session the holds
-- wait until that is expired, for which the job asks from p_ask_at on; where the buyer authorised a payment that needs days they
-- wait for it, and it is returned when it arrives (take_payment); else they are free now. Answers how many it freed.
-- The caller has the order's lock.
-- Locks:  tiers, ascending id.
-- Writes: orders, checkout_sessions, ticket_holds; the counters follow by trigger.
create or replace function ticketing.give_up_order(
  p_order public.orders, p_session ticketing.checkout_sessions, p_ask_at timestamptz) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  update public.orders o set given_up_at = coalesce(o.given_up_at, v_now),
      expires_at = case when p_session.status = 'complete' then o.expires_at else least(o.expires_at, v_now) end
    where o.id = p_order.id returning * into p_order;
  if p_session.status in ('creating', 'open') then
    update ticketing.checkout_sessions s set ask_at = p_ask_at
      where s.order_id = p_session.order_id and s.attempt = p_session.attempt;
    return 0;
  end if;
  return case when p_session.status is distinct from 'complete' then ticketing.expire_order(p_order) else 0 end;
end
$$;
