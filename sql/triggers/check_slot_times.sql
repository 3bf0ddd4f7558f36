-- check_slot_times: refuses to move a slot away from a party that is still to come, which the gate would send away. Who opens
-- at other hours turns the slot off and makes another.
-- A definer function: it sees all bookings, whoever asks. They wait for the slot's row, and this for theirs.
create or replace function ticketing.check_slot_times() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  if exists (
      -- The evening as it was booked: the new hours are not written yet.
      select from public.reservations r cross join lateral ticketing.slot_evening(old.id, r.date) e
      where r.slot_id = old.id and r.status = 'confirmed' and r.date > current_date - 3 and e.ends_at > clock_timestamp()
        and not (new.business_id = old.business_id and coalesce(new.date = r.date, new.weekday = extract(dow from r.date))
          and ticketing.is_open(new.time_from, new.time_to, r.preferred_time)
          -- The same day, where it crosses midnight.
          and (r.preferred_time < new.time_from) = (r.preferred_time < old.time_from))) then
    raise exception 'slot % has parties to come at times that it would no longer have', old.id
      using errcode = '23514', constraint = tg_name, table = 'slots', schema = 'public';
  end if;
  return new;
end
$$;

create or replace trigger trg_check_slot_times before update of business_id, date, weekday, time_from, time_to on public.slots
  for each row when (new.business_id <> old.business_id or new.date is distinct from old.date
    or new.weekday is distinct from old.weekday or new.time_from <> old.time_from or new.time_to <> old.time_to)
  execute function ticketing.check_slot_times();
