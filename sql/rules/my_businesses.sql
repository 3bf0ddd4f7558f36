-- my_businesses: the businesses the caller works for. A definer function, so that policies can ask it about a
-- table whose own policy would ask again.
create or replace function ticketing.my_businesses() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select business_id from public.business_staff where user_id = auth.uid()
$$;

-- my_events: the events of the businesses the caller works for.
create or replace function ticketing.my_events() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.id from public.events e join public.business_staff s on s.business_id = e.business_id where s.user_id = auth.uid()
$$;

-- my_orders: the caller's own orders.
create or replace function ticketing.my_orders() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select id from public.orders where user_id = auth.uid()
$$;
