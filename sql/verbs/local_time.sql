-- local_time: when the clock of a business shows a time: `local_time(business, '2027-07-10 20:00')`. A literal without a zone is read
-- in the zone of the session instead, which is seldom the door's. Where clocks go back and show a time twice it is the first.
--
-- Errors, none of them an answer, as this is written into columns:
--   22007  no time as YYYY-MM-DD HH:MM[:SS], a zone or an offset beside it included
--   22008  clocks go forward over it: no clock shows it
--   P0002  no such business
create or replace function ticketing.local_time(p_business_id uuid, p_local text) returns timestamptz
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_zone text := (select b.time_zone from public.businesses b where b.id = p_business_id);
  v_at timestamptz;
begin
  if p_local !~ '^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?$' or p_local is null then
    raise exception '% is no time as YYYY-MM-DD HH:MM', coalesce(p_local, 'null') using errcode = '22007';
  elsif v_zone is null then
    raise exception 'there is no business %', coalesce(p_business_id::text, 'null') using errcode = 'P0002';
  end if;
  v_at := ticketing.first_instant(p_local::timestamp, v_zone);
  if v_at is null then
    raise exception 'no clock of % shows %', v_zone, p_local using errcode = '22008',
      hint = 'Clocks go forward over it. Name a time before or after.';
  end if;
  return v_at;
end
$$;
