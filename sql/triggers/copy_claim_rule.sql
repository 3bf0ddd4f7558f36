-- copy_claim_rule: whose a claim is, and whether a person claims once, is what the offer says, not what the row says of itself.
create or replace function ticketing.copy_claim_rule() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  select d.business_id, coalesce(d.one_claim_per_person, false) into new.business_id, new.one_per_person
    from public.discounts d where d.id = new.discount_id;
  return new;
end
$$;

create or replace trigger trg_copy_claim_rule before insert on public.offer_claims
  for each row execute function ticketing.copy_claim_rule();
