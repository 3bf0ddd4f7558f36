-- release_ticket_holds: the door to ticketing.release_ticket_holds, whose header says what it answers.
create or replace function public.release_ticket_holds(p_session_id text) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.release_ticket_holds(p_session_id);
end
$$;
