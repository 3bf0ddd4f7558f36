-- release_offer_spots: give back places from the caller's own claims, newest first; never more than were claimed.
-- Errors: 22023 without an offer or a party size of at least 1; PT503 LOCK_TIMEOUT after five seconds of waiting.
-- Locks:  the offer, then the claims.
-- Writes: offer_claims; the counter follows by trigger.
create or replace function ticketing.release_offer_spots(p_discount_id uuid, p_party_size integer) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_left integer := p_party_size;
  v_claim_ids uuid[];
  v_claim_id uuid;
  v_party_size integer;
begin
  if p_discount_id is null or p_party_size is null or p_party_size < 1 then
    raise exception 'p_discount_id and a p_party_size of at least 1 are needed' using errcode = '22023';
  elsif v_caller.user_id is null and not v_caller.is_trusted then
    return;
  end if;
  perform ticketing.lock_key('offer:' || p_discount_id);
  -- Two queries: a condition that also finds nobody's claims is no index condition.
  v_claim_ids := case when v_caller.user_id is not null then array(
      select c.id from public.offer_claims c
      where c.discount_id = p_discount_id and c.user_id = v_caller.user_id and c.status = 'claimed'
      order by c.created_at desc, c.id desc)
    else array(
      select c.id from public.offer_claims c
      where c.discount_id = p_discount_id and c.user_id is null and c.status = 'claimed'
      order by c.created_at desc, c.id desc) end;
  foreach v_claim_id in array v_claim_ids loop
    exit when v_left <= 0;
    perform ticketing.limit_wait();
    -- A gate may be letting this very party in: then it is not given back.
    select c.party_size into v_party_size from public.offer_claims c where c.id = v_claim_id and c.status = 'claimed'
      for no key update;
    continue when not found;
    if v_party_size > v_left then
      update public.offer_claims set party_size = party_size - v_left where id = v_claim_id;
    else
      update public.offer_claims set status = 'released' where id = v_claim_id;
    end if;
    v_left := v_left - v_party_size;
  end loop;
exception when lock_not_available or deadlock_detected then
  raise exception 'LOCK_TIMEOUT: server busy, please try again' using errcode = 'PT503';
end
$$;
