-- is_staff: whether a user works for the business that holds an event.
create or replace function ticketing.is_staff(p_user_id uuid, p_event_id uuid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from public.events e join public.business_staff s on s.business_id = e.business_id
    where e.id = p_event_id and s.user_id = p_user_id)
$$;

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

-- managed_businesses, managed_events, managed_offers: those that the caller may change, and whose orders and guests the caller
-- may read. The door's staff scans; it sets no prices and reads no addresses.
create or replace function ticketing.managed_businesses() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select business_id from public.business_staff where user_id = auth.uid() and role in ('owner', 'manager')
$$;

create or replace function ticketing.managed_events() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.id from public.events e where e.business_id in (select ticketing.managed_businesses())
$$;

create or replace function ticketing.managed_offers() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select d.id from public.discounts d where d.business_id in (select ticketing.managed_businesses())
$$;

-- my_orders: the caller's own orders.
create or replace function ticketing.my_orders() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select id from public.orders where user_id = auth.uid()
$$;
