-- waiting_orders: of the orders that a browser remembers, those that can still be paid, as far as an event's page tells of them.
-- p_orders = [{order_id, secret}], of which at most 50 are read; whoever knows an order's secret may see it.
-- Answers: [{order_id, expires_at, held: {tier_id: quantity}}], in the order of p_orders: those whose state (order_state) is
--          opening or to_pay
create or replace function ticketing.waiting_orders(p_orders jsonb) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders;
  v_waiting jsonb := '[]';
begin
  for v_order in select * from ticketing.read_orders(p_orders) loop
    -- No other order waits for its payment, and most that are remembered are paid or over.
    if v_order.status = 'pending' then
      if ticketing.order_state(v_order) ->> 'state' in ('opening', 'to_pay') then
        v_waiting := v_waiting || jsonb_build_object('order_id', v_order.id, 'expires_at', v_order.expires_at,
          'held', (select jsonb_object_agg(i.tier_id, i.quantity) from public.order_items i where i.order_id = v_order.id));
      end if;
    end if;
  end loop;
  return v_waiting;
end
$$;
