-- check_slot_capacity: refuses bookings beyond a slot's capacity on one evening. One advisory lock a slot and date.
create or replace function ticketing.check_slot_capacity() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_more record;
  v_left integer;
begin
  for v_more in
    select n.slot_id, n.date, sum(n.party_size) as party_size from new_rows n
    where n.status in ('confirmed', 'checked_in') group by n.slot_id, n.date order by n.slot_id, n.date
  loop
    perform pg_advisory_xact_lock(
      hashtextextended('slot:' || v_more.slot_id || ':' || to_char(v_more.date, 'YYYY-MM-DD'), 0));
    -- The slot's own row too: it is not made smaller between this look and the commit.
    perform from public.slots s where s.id = v_more.slot_id for no key update;
    select s.capacity - coalesce(d.booked_people, 0) into v_left
      from public.slots s left join ticketing.slot_days d on d.slot_id = s.id and d.date = v_more.date
      where s.id = v_more.slot_id;
    if v_more.party_size > v_left then
      raise exception 'slot % has % covers left on %, % asked for', v_more.slot_id, v_left, v_more.date, v_more.party_size
        using errcode = '23514', constraint = tg_name, table = 'reservations', schema = 'public';
    end if;
  end loop;
  return null;
end
$$;

create or replace trigger trg_check_slot_capacity after insert on public.reservations
  referencing new table as new_rows for each statement execute function ticketing.check_slot_capacity();
