-- refuse_claim_change: a claim's state machine: claimed, then released or redeemed, for good; redeemed is taken back only with the
-- scan that redeemed it. It only ever shrinks: it neither grows nor moves, so an update needs no count.
create or replace function ticketing.refuse_claim_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if old.status = 'redeemed' and new.status = 'claimed' and new.party_size <= old.party_size and new.discount_id = old.discount_id
      and new.user_id is not distinct from old.user_id and new.one_per_person = old.one_per_person
      and exists (select from public.scan_logs u join public.scan_logs s on s.id = u.undoes and s.claim_id = u.claim_id
        where s.claim_id = old.id and s.scanned_at = old.redeemed_at and not s.scan_success) then
    return new;
  end if;
  raise exception 'claim % is %: it can only be released, or redeemed once', old.id, old.status
    using errcode = '23514', constraint = tg_name, table = 'offer_claims', schema = 'public';
end
$$;

create or replace trigger trg_claim_legal_change before update on public.offer_claims
  for each row when (new.party_size > old.party_size or new.discount_id <> old.discount_id
    or new.user_id is distinct from old.user_id or new.one_per_person <> old.one_per_person
    or old.status in ('released', 'redeemed') and new.status <> old.status)
  execute function ticketing.refuse_claim_change();
