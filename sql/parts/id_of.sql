-- id_of: an object of the provider stands in another one by its id, or whole where it was expanded.
create or replace function ticketing.id_of(p_object jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case jsonb_typeof(p_object) when 'string' then p_object #>> '{}' when 'object' then p_object ->> 'id' end
$$;
