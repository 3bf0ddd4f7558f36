-- fail_payment: a delayed payment did not come: nobody will pay by this session. The holds are given back.
-- Locks:  order, tiers, ascending id.
create or replace function ticketing.fail_payment(p_session jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_session ticketing.checkout_sessions := ticketing.lock_session_told(p_session);
  v_order public.orders;
begin
  if v_session.order_id is null then
    return jsonb_build_object('outcome', 'UNMATCHED', 'order_id', null);
  end if;
  select * into v_order from public.orders o where o.id = v_session.order_id;
  if v_order.status <> 'pending' or ticketing.has_later_attempt(v_session) then
    return jsonb_build_object('outcome', 'NO_CHANGE', 'order_id', v_order.id);
  end if;
  perform ticketing.note_session(v_session, p_session, 'complete', null);
  perform ticketing.expire_order(v_order);
  return jsonb_build_object('outcome', 'EXPIRED', 'order_id', v_order.id);
end
$$;
