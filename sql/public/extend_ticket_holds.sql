-- extend_ticket_holds: the door to ticketing.extend_ticket_holds, whose header says what it answers.
create or replace function public.extend_ticket_holds(p_session_id text, p_extend_minutes integer) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.extend_ticket_holds(p_session_id, p_extend_minutes);
end
$$;
