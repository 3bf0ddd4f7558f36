-- release_offer_spots: the door to ticketing.release_offer_spots, whose header says what it answers.
create or replace function public.release_offer_spots(p_discount_id uuid, p_party_size integer) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.release_offer_spots(p_discount_id, p_party_size);
end
$$;
