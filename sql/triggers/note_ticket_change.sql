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
