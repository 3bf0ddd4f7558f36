-- first_instant: when a wall clock shows a time; the first of the two where it shows it twice, null where it never does.
-- PostgreSQL takes the second of two, and moves what was skipped. Clocks go back by an hour, on Lord Howe by half of one: the
-- first is the same time by the offset of the day before.
create or replace function ticketing.first_instant(p_local timestamp, p_time_zone text) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
      when f.at < i.at and f.at at time zone p_time_zone = p_local then f.at
      when i.at at time zone p_time_zone = p_local then i.at end
  from (select p_local at time zone p_time_zone as at) i,
    lateral (select i.at - interval '1 day' as at) d,
    lateral (select (p_local - (d.at at time zone p_time_zone - d.at at time zone 'UTC')) at time zone 'UTC' as at) f
$$;
