-- is_uuid: a test that never raises; any 8-4-4-4-12 hex string is one.
create or replace function ticketing.is_uuid(p_text text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(p_text ~ '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$', false)
$$;
