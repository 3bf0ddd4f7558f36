-- claim_order_ticketing: the door to ticketing.claim_order_ticketing, whose header says what it answers.
create or replace function public.claim_order_ticketing(p_order_id uuid) returns boolean
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.claim_order_ticketing(p_order_id);
end
$$;
