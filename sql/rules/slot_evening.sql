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
