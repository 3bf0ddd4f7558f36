-- lock_tiers: locks tiers by ascending id, so that two carts never wait in a circle; each advisory first, then its row. A loop,
-- because a query's `order by` promises nothing about the order in which it locks.
create or replace function ticketing.lock_tiers(p_tier_ids uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_tier_ids uuid[] := p_tier_ids;
  v_tier_id uuid;
begin
  if cardinality(p_tier_ids) > 1 then
    v_tier_ids := array(select distinct t.id from unnest(p_tier_ids) as t(id) order by t.id);
  end if;
  foreach v_tier_id in array v_tier_ids loop
    perform ticketing.lock_key('tier:' || v_tier_id);
    -- With the advisory lock only a raw write can have the row: only then is there a wait to limit.
    perform from public.ticket_tiers where id = v_tier_id for no key update skip locked;
    if not found then
      perform ticketing.limit_wait();
      perform from public.ticket_tiers where id = v_tier_id for no key update;
    end if;
  end loop;
end
$$;

-- lock_order_tiers: the tiers of an order.
create or replace function ticketing.lock_order_tiers(p_order_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.lock_tiers(array(select i.tier_id from public.order_items i where i.order_id = p_order_id));
end
$$;
