-- refuse_undo_change: that a scan was undone stays in the log as it was written: who did it, when, and why.
create or replace function ticketing.refuse_undo_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'the undoing % is not changed', old.id
    using errcode = '23514', constraint = tg_name, table = 'scan_logs', schema = 'public';
end
$$;

create or replace trigger trg_refuse_undo_change before update on public.scan_logs
  for each row when (old.undoes is not null or new.undoes is not null) execute function ticketing.refuse_undo_change();
