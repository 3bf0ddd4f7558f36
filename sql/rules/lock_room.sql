-- lock_room: lock the tiers of an order, and answer whether each has room for what the order has of it, its own holds included.
-- Judged before anything is written, so that no write has to be undone. A tier that seems full ends its due holds first.
-- Locks:  tiers, ascending id; until the transaction's end, so the answer stays true.
-- Writes: ticket_holds (due ones); the counters follow by trigger.
create or replace function ticketing.lock_room(p_order_id uuid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_item record;
  v_now timestamptz;
begin
  perform ticketing.lock_tiers(array(select i.tier_id from public.order_items i where i.order_id = p_order_id));
  v_now := clock_timestamp();
  for v_item in select i.tier_id, i.quantity from public.order_items i where i.order_id = p_order_id order by i.tier_id loop
    if ticketing.room_for(p_order_id, v_item.tier_id) < v_item.quantity then
      if not ticketing.make_room(v_item.tier_id, v_now)
          or ticketing.room_for(p_order_id, v_item.tier_id) < v_item.quantity then
        return false;
      end if;
    end if;
  end loop;
  return true;
end
$$;

-- room_for: how many of a tier an order could get now: what is left, and what it holds itself.
create or replace function ticketing.room_for(p_order_id uuid, p_tier_id uuid) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return (select t.total_quantity - t.sold_quantity - t.reserved_quantity from public.ticket_tiers t where t.id = p_tier_id)
    + (select coalesce(sum(h.quantity), 0) from public.ticket_holds h
       where h.order_id = p_order_id and (h.tier_id = p_tier_id) is true and h.status is not distinct from 'active');
end
$$;
