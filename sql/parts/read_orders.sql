-- read_orders: [{order_id, secret}, …] as rows, in the order of the list; the first 50 of them, and only those whose secret is the
-- order's: for who does not know it there is no such order.
create or replace function ticketing.read_orders(p_orders jsonb) returns setof public.orders
language sql stable set search_path = pg_catalog, pg_temp as $$
  select o.* from (
    select e.position, case when ticketing.is_uuid(e.named ->> 'order_id') then (e.named ->> 'order_id')::uuid end as order_id,
      e.named ->> 'secret' as secret
    from jsonb_array_elements(case jsonb_typeof(p_orders) when 'array' then p_orders else '[]' end) with ordinality e(named, position)
    order by e.position limit 50) n
  join public.orders o on o.id = n.order_id and o.secret = n.secret
  order by n.position
$$;
