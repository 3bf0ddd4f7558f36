-- claim_offer_spots_atomically: claim places in an offer for a party.
--
-- Answers, first that applies:
--   INVALID_PARTY_SIZE  no whole number from 1 to 1000
--   UNAUTHORIZED        a guest: a claim belongs to somebody, else anybody could drain the offer
--   OFFER_NOT_FOUND, OFFER_INACTIVE (not active, not begun, or over)
--   ALREADY_CLAIMED     the offer is one claim a person, and the caller has one that was not given back
--   INSUFFICIENT_SPOTS  fewer places are left; `remaining` says how many
--   LOCK_TIMEOUT        busy for five seconds; try again
--   success             {success: true, remaining, claim_id, qr_token}; -1 = unlimited; a gate reads the token, once
-- Locks:  the offer.
-- Writes: offer_claims (1 row); the counter follows by trigger.
create or replace function ticketing.claim_offer_spots_atomically(p_discount_id uuid, p_party_size integer) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_now timestamptz;
  v_offer public.discounts;
  v_claim record;
begin
  if p_party_size is null or p_party_size not between 1 and 1000 then
    return ticketing.refused('INVALID_PARTY_SIZE') || '{"remaining": 0}';
  elsif v_caller.user_id is null and not v_caller.is_trusted then
    return ticketing.refused('UNAUTHORIZED') || '{"remaining": 0}';
  elsif p_discount_id is null then
    return ticketing.refused('OFFER_NOT_FOUND') || '{"remaining": 0}';
  end if;
  perform ticketing.lock_key('offer:' || p_discount_id);
  perform ticketing.limit_wait();
  select * into v_offer from public.discounts d where d.id = p_discount_id for no key update;
  v_now := clock_timestamp();
  if v_offer.id is null then
    return ticketing.refused('OFFER_NOT_FOUND') || '{"remaining": 0}';
  elsif not v_offer.active or v_offer.starts_at > v_now or v_offer.ends_at <= v_now then
    return ticketing.refused('OFFER_INACTIVE') || jsonb_build_object('remaining', coalesce(v_offer.people_remaining, -1));
  elsif v_offer.one_claim_per_person and exists (select from public.offer_claims c
      where c.discount_id = p_discount_id and c.user_id = v_caller.user_id and c.status <> 'released') then
    return ticketing.refused('ALREADY_CLAIMED') || jsonb_build_object('remaining', coalesce(v_offer.people_remaining, -1));
  elsif v_offer.people_remaining < p_party_size then
    return ticketing.refused('INSUFFICIENT_SPOTS') || jsonb_build_object('remaining', v_offer.people_remaining);
  end if;
  insert into public.offer_claims (discount_id, user_id, party_size) values (p_discount_id, v_caller.user_id, p_party_size)
    returning id, qr_token into v_claim;
  return jsonb_build_object('success', true, 'remaining', coalesce(v_offer.people_remaining - p_party_size, -1),
    'claim_id', v_claim.id, 'qr_token', v_claim.qr_token);
exception
  when check_violation then
    return ticketing.refused('INSUFFICIENT_SPOTS') || jsonb_build_object('remaining',
      (select greatest(d.people_remaining, 0) from public.discounts d where d.id = p_discount_id));
  when unique_violation then
    return ticketing.refused('ALREADY_CLAIMED') || jsonb_build_object('remaining',
      (select coalesce(d.people_remaining, -1) from public.discounts d where d.id = p_discount_id));
  when lock_not_available or deadlock_detected then
    return ticketing.refused('LOCK_TIMEOUT') || '{"remaining": 0}';
end
$$;

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
  v_claim record;
begin
  if p_discount_id is null or p_party_size is null or p_party_size < 1 then
    raise exception 'p_discount_id and a p_party_size of at least 1 are needed' using errcode = '22023';
  elsif v_caller.user_id is null and not v_caller.is_trusted then
    return;
  end if;
  perform ticketing.lock_key('offer:' || p_discount_id);
  for v_claim in
    select c.id, c.party_size from public.offer_claims c
    where c.discount_id = p_discount_id and c.status = 'claimed' and c.user_id is not distinct from v_caller.user_id
    order by c.created_at desc, c.id desc
    -- A gate may be letting this very party in: then it is not given back.
    for no key update
  loop
    exit when v_left <= 0;
    if v_claim.party_size > v_left then
      update public.offer_claims set party_size = party_size - v_left where id = v_claim.id;
    else
      update public.offer_claims set status = 'released' where id = v_claim.id;
    end if;
    v_left := v_left - v_claim.party_size;
  end loop;
exception when lock_not_available or deadlock_detected then
  raise exception 'LOCK_TIMEOUT: server busy, please try again' using errcode = 'PT503';
end
$$;
