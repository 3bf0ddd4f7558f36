-- release_tickets: the door to ticketing.release_tickets, whose header says what it answers.
create or replace function public.release_tickets(p_tier_id uuid, p_quantity integer) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.release_tickets(p_tier_id, p_quantity);
end
$$;
