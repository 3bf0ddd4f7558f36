-- sync_booked_people: counts: booked_people of a slot's evening is the sum of the parties that come.
-- A loop, because a query's `order by` promises nothing about the order in which a function it calls writes.
create or replace function ticketing.sync_booked_people() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  if tg_op = 'INSERT' then
    for v_change in
      select n.slot_id, n.date, sum(n.party_size) as people from new_rows n
      where n.status in ('confirmed', 'checked_in') group by n.slot_id, n.date order by n.slot_id, n.date
    loop
      perform ticketing.count_booked_people(v_change.slot_id, v_change.date, v_change.people);
    end loop;
  elsif tg_op = 'DELETE' then
    for v_change in
      select o.slot_id, o.date, -sum(o.party_size) as people from old_rows o
      where o.status in ('confirmed', 'checked_in') group by o.slot_id, o.date order by o.slot_id, o.date
    loop
      perform ticketing.count_booked_people(v_change.slot_id, v_change.date, v_change.people);
    end loop;
  else
    for v_change in
      select d.slot_id, d.date, sum(d.people) as people from (
        select n.slot_id, n.date, n.party_size as people from new_rows n where n.status in ('confirmed', 'checked_in')
        union all
        select o.slot_id, o.date, -o.party_size from old_rows o where o.status in ('confirmed', 'checked_in')) d
      group by d.slot_id, d.date having sum(d.people) <> 0 order by d.slot_id, d.date
    loop
      perform ticketing.count_booked_people(v_change.slot_id, v_change.date, v_change.people);
    end loop;
  end if;
  return null;
end
$$;

-- count_booked_people: move the count of one slot on one evening, which begins with its first booking. A party that comes also
-- writes the slot's row (materialized conflict): staff with a snapshot from before it gets 40001 instead of a yes, as do guests
-- whom the evening's row, which an older snapshot may not have at all, would not stop.
create or replace function ticketing.count_booked_people(p_slot_id uuid, p_date date, p_change bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_change > 0 then
    update public.slots set capacity = capacity where id = p_slot_id;
  end if;
  update ticketing.slot_days set booked_people = booked_people + p_change where slot_id = p_slot_id and date = p_date;
  if not found then
    insert into ticketing.slot_days (slot_id, date, business_id, capacity, booked_people)
      select s.id, p_date, s.business_id, s.capacity, p_change from public.slots s where s.id = p_slot_id;
  end if;
end
$$;

create or replace trigger trg_sync_booked_people after insert on public.reservations
  referencing new table as new_rows for each statement execute function ticketing.sync_booked_people();
create or replace trigger trg_sync_booked_people_upd after update on public.reservations
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.sync_booked_people();
create or replace trigger trg_sync_booked_people_del after delete on public.reservations
  referencing old table as old_rows for each statement execute function ticketing.sync_booked_people();
