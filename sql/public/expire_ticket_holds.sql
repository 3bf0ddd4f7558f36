-- expire_ticket_holds: the door to ticketing.expire_ticket_holds, whose header says what it answers.
create or replace function public.expire_ticket_holds(p_limit integer default 1000) returns integer
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.expire_ticket_holds(p_limit);
end
$$;
