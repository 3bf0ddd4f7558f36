-- fail_payment: a delayed payment did not come: nobody will pay by this session. The holds are given back.
-- Locks:  order, tiers, ascending id.
create or replace function ticketing.fail_payment(p_session jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders := ticketing.lock_order(ticketing.order_named(p_session));
  v_session ticketing.checkout_sessions := ticketing.session_named(v_order.id, p_session);
begin
  if v_order.id is null then
    return jsonb_build_object('outcome', 'UNMATCHED', 'order_id', null);
  elsif v_session.order_id is null or v_order.status <> 'pending' or ticketing.has_later_attempt(v_session) then
    return jsonb_build_object('outcome', 'NO_CHANGE', 'order_id', v_order.id);
  end if;
  perform ticketing.note_session(v_session, p_session, 'complete', null);
  perform ticketing.expire_order(v_order);
  return jsonb_build_object('outcome', 'EXPIRED', 'order_id', v_order.id);
end
$$;
