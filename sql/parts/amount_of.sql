-- amount_of: an amount in an object of the provider: whole minor units, at most 15 digits; null where it is none.
create or replace function ticketing.amount_of(p_value jsonb) returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_value #>> '{}' ~ '^[0-9]{1,15}$' then (p_value #>> '{}')::bigint end
$$;
