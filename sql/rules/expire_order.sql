-- expire_order: a pending order will not be paid any more: its holds are given back. The caller has the order's lock and
-- knows that the provider's session has ended.
-- Answers how many tickets it gave back.
-- Locks:  tiers, ascending id.
-- Writes: orders, ticket_holds; the counters follow by trigger.
create or replace function ticketing.expire_order(p_order public.orders) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz;
  v_released integer;
begin
  if p_order.status is distinct from 'pending' then
    return 0;
  end if;
  perform ticketing.lock_order_tiers(p_order.id);
  v_now := clock_timestamp();
  with ended as (
    -- `is not distinct from`: else the planner takes the index of all living holds while the table is not analyzed.
    update public.ticket_holds h set ended_at = v_now, status = case when h.expires_at <= v_now then 'expired' else 'released' end
      where h.order_id = p_order.id and h.status is not distinct from 'active' returning h.quantity)
  select coalesce(sum(quantity), 0) into v_released from ended;
  update public.orders set status = 'expired' where id = p_order.id;
  return v_released;
end
$$;
