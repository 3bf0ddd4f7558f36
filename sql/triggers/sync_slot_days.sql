-- sync_slot_days: a slot that is made smaller or larger takes its evenings along; one that is already fuller refuses (CHECK).
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
