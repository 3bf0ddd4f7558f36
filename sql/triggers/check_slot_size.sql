-- check_slot_size: refuses to make a slot smaller than one of its evenings. It counts rows, not the counter.
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
