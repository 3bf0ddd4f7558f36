-- write_cell: another settings.cell is in the ids from the next statement on, and verify_protections() knows the function that
-- makes them.
create or replace function ticketing.write_cell() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.write_uuid_v7();
  update ticketing.installed_parts i set definition = p.definition
    from ticketing.function_parts() p
    where p.object = 'ticketing.uuid_v7()' and i.class = p.class and i.object = p.object;
  return null;
end
$$;

create or replace trigger trg_write_cell after update of cell on ticketing.settings
  for each row when (new.cell <> old.cell) execute function ticketing.write_cell();
