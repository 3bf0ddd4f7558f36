-- reserve_tickets_atomically: the door to ticketing.reserve_tickets_atomically, whose header says what it answers.
create or replace function public.reserve_tickets_atomically(p_tier_id uuid, p_quantity integer) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.reserve_tickets_atomically(p_tier_id, p_quantity);
end
$$;
