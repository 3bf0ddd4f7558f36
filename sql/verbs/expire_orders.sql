-- expire_orders: end at most p_limit orders whose payment's deadline has passed; answers how many. What the provider still
-- takes for them comes too late, and is rescued or returned. Any number may run at once.
-- Locks:  orders that nobody else has, then their tiers, all of them by ascending id.
-- Writes: orders, ticket_holds; the counters follow by trigger.
create or replace function ticketing.expire_orders(p_limit integer default 100) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_candidate record;
  v_order public.orders;
  v_orders public.orders[] := '{}';
  v_ids uuid[] := '{}';
begin
  for v_candidate in
    select o.id from public.orders o where o.status = 'pending' and o.expires_at <= v_now
      -- Asked order by order: as a join it is planned over all holds that ever were, while tables are not analyzed.
      and (select h.id from public.ticket_holds h where h.order_id = o.id
        and h.status is not distinct from 'active' and h.expires_at > v_now limit 1) is null
    order by o.expires_at limit p_limit
  loop
    -- Not waited for: this keeps locks on other orders.
    continue when not pg_try_advisory_xact_lock(hashtextextended('order:' || v_candidate.id, 0));
    select * into v_order from public.orders o where o.id = v_candidate.id and o.status = 'pending' for no key update skip locked;
    continue when not found or v_order.expires_at > v_now;
    v_orders := v_orders || v_order;
    v_ids := v_ids || v_order.id;
  end loop;
  perform ticketing.lock_tiers(array(
    select i.tier_id from public.order_items i where i.order_id = any (v_ids)));
  foreach v_order in array v_orders loop
    perform ticketing.expire_order(v_order);
  end loop;
  return cardinality(v_orders);
exception when lock_not_available or deadlock_detected then
  return 0;
end
$$;
