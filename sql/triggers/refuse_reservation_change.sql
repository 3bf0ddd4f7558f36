-- refuse_reservation_change: a booking's state machine: confirmed, then cancelled or checked in, for good; checked in is taken back
-- only with the scan that checked it in. It neither grows nor moves, so an update needs no count.
create or replace function ticketing.refuse_reservation_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if old.status = 'checked_in' and new.status = 'confirmed' and new.party_size <= old.party_size and new.slot_id = old.slot_id
      and new.date = old.date
      and exists (select from public.scan_logs u join public.scan_logs s on s.id = u.undoes and s.reservation_id = u.reservation_id
        where s.reservation_id = old.id and s.scanned_at = old.checked_in_at and not s.scan_success) then
    return new;
  end if;
  raise exception 'reservation % is %: a party neither grows nor moves nor comes again', old.id, old.status
    using errcode = '23514', constraint = tg_name, table = 'reservations', schema = 'public';
end
$$;

create or replace trigger trg_reservation_legal_change before update on public.reservations
  for each row when (new.party_size > old.party_size or new.slot_id <> old.slot_id or new.date <> old.date
    or old.status in ('cancelled', 'checked_in') and new.status <> old.status)
  execute function ticketing.refuse_reservation_change();
