-- refuse_reservation_change: a booking's state machine: confirmed, then cancelled or checked in, for good. It neither grows nor
-- moves, so an update needs no count.
create or replace function ticketing.refuse_reservation_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'reservation % is %: a party neither grows nor moves nor comes again', old.id, old.status
    using errcode = '23514', constraint = tg_name, table = 'reservations', schema = 'public';
end
$$;

create or replace trigger trg_reservation_legal_change before update on public.reservations
  for each row when (new.party_size > old.party_size or new.slot_id <> old.slot_id or new.date <> old.date
    or old.status in ('cancelled', 'checked_in') and new.status <> old.status)
  execute function ticketing.refuse_reservation_change();
