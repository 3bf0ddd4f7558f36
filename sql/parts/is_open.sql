-- is_open: whether a slot of these hours is open at a time; one that ends at or before its start crosses midnight.
create or replace function ticketing.is_open(p_from time, p_to time, p_time time) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return case when p_from < p_to then p_time >= p_from and p_time < p_to else p_time >= p_from or p_time < p_to end;
end
$$;
