-- double_admissions: the door to ticketing.double_admissions, whose header says what it answers.
create or replace function public.double_admissions(p_event_id uuid)
returns table (ticket_id uuid, status text, counted jsonb, other jsonb)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.double_admissions(p_event_id);
end
$$;
