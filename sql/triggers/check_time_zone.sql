-- check_time_zone: refuses to move a business' clock while parties are to come, whose hours it would change; a login
-- may. A definer function: it sees all bookings, whoever asks. Locks: its slots, ascending id, where bookings wait.
create or replace function ticketing.check_time_zone() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_slot uuid;
begin
  for v_slot in select s.id from public.slots s where s.business_id = new.id order by s.id loop
    perform from public.slots s where s.id = v_slot for no key update;
  end loop;
  if exists (select from public.reservations r
      where r.business_id = new.id and r.status = 'confirmed' and r.date >= current_date - 2) then
    raise exception 'PARTIES_TO_COME: business % has bookings by its clock', new.id
      using errcode = '23514', constraint = tg_name, table = tg_table_name, schema = 'public',
        hint = 'Change the time zone when they have been, or cancel them.';
  end if;
  return new;
end
$$;

create or replace trigger trg_check_time_zone before update of time_zone on public.businesses
  for each row when (current_user in ('authenticated', 'service_role') and new.time_zone <> old.time_zone)
  execute function ticketing.check_time_zone();
