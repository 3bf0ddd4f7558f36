-- first_instant: when a wall clock shows a time; the first of the two where it shows it twice, null where it never does.
-- PostgreSQL takes the second of two, and moves what was skipped. Clocks change by an hour.
create or replace function ticketing.first_instant(p_local timestamp, p_time_zone text) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
      when (i.at - interval '1 hour') at time zone p_time_zone = p_local then i.at - interval '1 hour'
      when i.at at time zone p_time_zone = p_local then i.at end
  from (select p_local at time zone p_time_zone as at) i
$$;
