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

-- owned_businesses: those whose staff the caller names.
create or replace function ticketing.owned_businesses() returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select business_id from public.business_staff where user_id = auth.uid() and role = 'owner'
$$;
