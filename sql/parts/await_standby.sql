-- await_standby: before a success is told again. What it was read from may be on this machine alone: a wait for the synchronous
-- standby was cancelled, or a crash came before it. An answer that writes nothing waits for no standby; this makes its commit
-- wait, for itself and all before it. Costs nothing where commits wait for none.
create or replace function ticketing.await_standby() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('synchronous_standby_names') <> '' then
    perform pg_logical_emit_message(true, 'admit-once', 'told again');
  end if;
end
$$;
