-- cancel_claim: the door to ticketing.cancel_claim, whose header says what it answers.
create or replace function public.cancel_claim(p_claim_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.cancel_claim(p_claim_id);
end
$$;
