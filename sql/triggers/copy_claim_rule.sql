-- copy_claim_rule: whether a person claims once is what the offer says, not what the row says of itself.
create or replace function ticketing.copy_claim_rule() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.one_per_person := coalesce((select d.one_claim_per_person from public.discounts d where d.id = new.discount_id), false);
  return new;
end
$$;

create or replace trigger trg_copy_claim_rule before insert on public.offer_claims
  for each row execute function ticketing.copy_claim_rule();
