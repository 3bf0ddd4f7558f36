-- Refusing, slots: booked people never exceed the slot's capacity on any evening. One lock per slot and date.
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
    perform from public.slots s where s.id = v_more.slot_id for share;
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

create or replace function ticketing.refuse_reservation_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'reservation % is %: a party neither grows nor moves nor comes again', old.id, old.status
    using errcode = '23514', constraint = tg_name, table = 'reservations', schema = 'public';
end
$$;

create or replace trigger trg_check_slot_capacity after insert on public.reservations
  referencing new table as new_rows for each statement execute function ticketing.check_slot_capacity();
create or replace trigger trg_reservation_legal_change before update on public.reservations
  for each row when (new.party_size > old.party_size or new.slot_id <> old.slot_id or new.date <> old.date
    or old.status in ('cancelled', 'checked_in') and new.status <> old.status)
  execute function ticketing.refuse_reservation_change();

-- Refusing, slots: one that is made smaller keeps room for every evening's parties. It counts rows, not the counter.
-- A definer function: it counts them all, whoever asks.
create or replace function ticketing.check_slot_size() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  if exists (select from public.reservations r where r.slot_id = new.id and r.status in ('confirmed', 'checked_in')
      group by r.date having sum(r.party_size) > new.capacity) then
    raise exception 'slot % has an evening with more than % people', new.id, new.capacity
      using errcode = '23514', constraint = tg_name, table = 'slots', schema = 'public';
  end if;
  return new;
end
$$;

create or replace trigger trg_check_slot_size before update of capacity on public.slots
  for each row when (new.capacity < old.capacity) execute function ticketing.check_slot_size();

-- Counting, slots: booked_people is the sum of the parties that come.
create or replace function ticketing.count_booked_people(p_slot_id uuid, p_date date, p_change bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update ticketing.slot_days set booked_people = booked_people + p_change where slot_id = p_slot_id and date = p_date;
  if not found then
    insert into ticketing.slot_days (slot_id, date, capacity, booked_people)
      select s.id, p_date, s.capacity, p_change from public.slots s where s.id = p_slot_id;
  end if;
end
$$;

-- A loop, because a query's `order by` promises nothing about the order in which a function it calls writes.
create or replace function ticketing.sync_booked_people() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  for v_change in
    select n.slot_id, n.date, sum(n.party_size) as people from new_rows n
    where n.status in ('confirmed', 'checked_in') group by n.slot_id, n.date order by n.slot_id, n.date
  loop
    perform ticketing.count_booked_people(v_change.slot_id, v_change.date, v_change.people);
  end loop;
  return null;
end
$$;

create or replace function ticketing.sync_booked_people_upd() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  for v_change in
    select r.slot_id, r.date, sum(r.people) as people from (
      select n.slot_id, n.date, n.party_size as people from new_rows n where n.status in ('confirmed', 'checked_in')
      union all
      select o.slot_id, o.date, -o.party_size from old_rows o where o.status in ('confirmed', 'checked_in')) r
    group by r.slot_id, r.date having sum(r.people) <> 0 order by r.slot_id, r.date
  loop
    perform ticketing.count_booked_people(v_change.slot_id, v_change.date, v_change.people);
  end loop;
  return null;
end
$$;

create or replace function ticketing.sync_booked_people_del() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  for v_change in
    select o.slot_id, o.date, sum(o.party_size) as people from old_rows o
    where o.status in ('confirmed', 'checked_in') group by o.slot_id, o.date order by o.slot_id, o.date
  loop
    perform ticketing.count_booked_people(v_change.slot_id, v_change.date, -v_change.people);
  end loop;
  return null;
end
$$;

create or replace trigger trg_sync_booked_people after insert on public.reservations
  referencing new table as new_rows for each statement execute function ticketing.sync_booked_people();
create or replace trigger trg_sync_booked_people_upd after update on public.reservations
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.sync_booked_people_upd();
create or replace trigger trg_sync_booked_people_del after delete on public.reservations
  referencing old table as old_rows for each statement execute function ticketing.sync_booked_people_del();

-- A slot that is made smaller or larger takes its evenings along; one that is already fuller refuses (CHECK).
-- A definer function: staff may write the slot, and nobody the count.
create or replace function ticketing.sync_slot_days() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  update ticketing.slot_days set capacity = new.capacity where slot_id = new.id;
  return null;
end
$$;

create or replace trigger trg_sync_slot_days after update of capacity on public.slots
  for each row when (new.capacity <> old.capacity) execute function ticketing.sync_slot_days();
