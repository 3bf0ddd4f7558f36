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
