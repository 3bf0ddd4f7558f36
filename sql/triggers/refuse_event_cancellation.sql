-- refuse_event_cancellation: only cancel_event cancels an event, because it gives the money back; and a cancelled one stays so.
-- An invoker function: current_user says whether a caller writes or a verb.
create or replace function ticketing.refuse_event_cancellation() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_user in ('anon', 'authenticated', 'service_role') then
    raise exception 'CANCEL_BY_FUNCTION: an event is cancelled by cancel-event, for good'
      using errcode = '23514', constraint = tg_name, table = tg_table_name, schema = 'public',
        hint = 'Call the function cancel-event: it closes the sale and gives every payment back.';
  end if;
  return new;
end
$$;

create or replace trigger trg_refuse_event_cancellation before update of status on public.events
  for each row when (old.status <> new.status and 'cancelled' in (old.status, new.status))
  execute function ticketing.refuse_event_cancellation();
