-- slot_evening: from when to when a slot is open on one evening, as instants. Its times are the house's wall clock, so an
-- evening on which the clock changes is an hour shorter or longer than the others.
create or replace function ticketing.slot_evening(
  p_slot_id uuid, p_date date, out starts_at timestamptz, out ends_at timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(ticketing.first_instant(p_date + s.time_from, b.time_zone), (p_date + s.time_from) at time zone b.time_zone),
    -- One that ends at or before its start crosses midnight.
    (p_date + (s.time_to <= s.time_from)::integer + s.time_to) at time zone b.time_zone
  from public.slots s join public.businesses b on b.id = s.business_id
  where s.id = p_slot_id
$$;

-- first_instant: when a wall clock shows a time; the first of the two where it shows it twice, null where it never does.
-- PostgreSQL takes the second of two, and moves what was skipped. Clocks change by an hour.
create or replace function ticketing.first_instant(p_local timestamp, p_time_zone text) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
      when (i.at - interval '1 hour') at time zone p_time_zone = p_local then i.at - interval '1 hour'
      when i.at at time zone p_time_zone = p_local then i.at end
  from (select p_local at time zone p_time_zone as at) i
$$;
