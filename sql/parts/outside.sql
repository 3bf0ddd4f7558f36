-- outside: TOO_EARLY before a time, TOO_LATE from another one on; null between the two. A bound that is null bounds nothing.
create or replace function ticketing.outside(p_now timestamptz, p_from timestamptz, p_until timestamptz) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_now < p_from then 'TOO_EARLY' when p_now >= p_until then 'TOO_LATE' end
$$;
