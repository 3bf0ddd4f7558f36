-- refuse_code_change: a ticket keeps its code and its event: gates and guests have the code, and the list of an event knows of
-- no other's.
create or replace function ticketing.refuse_code_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'ticket % keeps its code and its event', old.id
    using errcode = '23514', constraint = tg_name, table = 'tickets', schema = 'public';
end
$$;

create or replace trigger trg_refuse_code_change before update on public.tickets
  for each row when (new.qr_code <> old.qr_code or new.event_id <> old.event_id)
  execute function ticketing.refuse_code_change();
