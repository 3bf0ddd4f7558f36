-- note_ticket_change: which transaction gave a ticket its status, so that gates can ask for what changed since they asked last.
create or replace function ticketing.note_ticket_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.changed_xid := pg_current_xact_id();
  return new;
end
$$;

create or replace trigger trg_note_ticket_change before update on public.tickets
  for each row when (new.status is distinct from old.status) execute function ticketing.note_ticket_change();

-- note_ticket_deletion: what is deleted has no number of a change; a new life gives every gate the whole list. Made here and
-- not by the next list, so that it waits for one who is just making it.
create or replace function ticketing.note_ticket_deletion() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from gone) then
    insert into ticketing.transaction_lives default values on conflict (is_this) do update set id = excluded.id;
  end if;
  return null;
end
$$;

create or replace trigger trg_note_ticket_deletion after delete on public.tickets
  referencing old table as gone for each statement execute function ticketing.note_ticket_deletion();

-- A ticket keeps its code and its event: gates and guests have the code, and the list of an event knows of no other's.
create or replace function ticketing.refuse_code_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'ticket % keeps its code and its event', old.id
    using errcode = '23514', constraint = tg_name, table = 'tickets', schema = 'public';
end
$$;

create or replace trigger trg_refuse_code_change before update on public.tickets
  for each row when ((new.qr_code, new.event_id) is distinct from (old.qr_code, old.event_id))
  execute function ticketing.refuse_code_change();
