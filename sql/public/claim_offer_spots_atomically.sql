-- claim_offer_spots_atomically: the door to ticketing.claim_offer_spots_atomically, whose header says what it answers.
create or replace function public.claim_offer_spots_atomically(p_discount_id uuid, p_party_size integer) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.claim_offer_spots_atomically(p_discount_id, p_party_size);
end
$$;
