-- claim_offer_spots_atomically: claim places in an offer for a party.
--
-- Answers, first that applies:
--   INVALID_PARTY_SIZE  no whole number from 1 to 1000
--   UNAUTHORIZED        a guest: a claim belongs to somebody, else anybody could drain the offer
--   OFFER_NOT_FOUND     no such offer, and so no business whose key it could be
--   INVALID_REQUEST     a key that is empty or longer than 255 characters
--   success, replayed   same key, same request: the claim that the first call won, as it is now, given back or not
--   IDEMPOTENCY_KEY_REUSED  the caller used the key at this business before, for another request
--   OFFER_INACTIVE (not active, not begun, or over)
--   ALREADY_CLAIMED     the offer is one claim a person, and the caller has one that was not given back: {claim_id, qr_token}
--   INSUFFICIENT_SPOTS  fewer places are left; `remaining` says how many
--   LOCK_TIMEOUT        busy for five seconds; try again
--   success             {success: true, remaining, claim_id, qr_token, status, replayed: false}; -1 = unlimited; a gate reads the token,
--                       once
-- A refusal is never kept under the key: it is judged anew.
-- Locks:  idempotency key, the offer.
-- Writes: offer_claims (1 row); the counter follows by trigger.
create or replace function ticketing.claim_offer_spots_atomically(
  p_discount_id uuid, p_party_size integer, /* the vault's alone: */ p_idempotency_key text default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_business_id uuid;
  v_key record;
  v_now timestamptz;
  v_offer public.discounts;
  v_claim_id uuid;
  v_constraint text;
begin
  if p_party_size is null or p_party_size not between 1 and 1000 then
    return ticketing.refused('INVALID_PARTY_SIZE') || '{"remaining": 0}';
  elsif v_caller.user_id is null and not v_caller.is_trusted then
    return ticketing.refused('UNAUTHORIZED') || '{"remaining": 0}';
  end if;
  select d.business_id into v_business_id from public.discounts d where d.id = p_discount_id;
  if v_business_id is null then
    return ticketing.refused('OFFER_NOT_FOUND') || '{"remaining": 0}';
  end if;
  v_key := ticketing.judge_key(v_caller, v_business_id, p_idempotency_key, jsonb_build_array('claim', p_discount_id, p_party_size));
  if v_key.refusal is not null then
    return ticketing.refused(v_key.refusal) || '{"remaining": 0}';
  elsif v_key.made_id is not null then
    return ticketing.claim_answer(v_key.made_id) || '{"success": true, "replayed": true}';
  end if;

  perform ticketing.lock_key('offer:' || p_discount_id);
  perform ticketing.limit_wait();
  select * into v_offer from public.discounts d where d.id = p_discount_id for no key update;
  v_now := clock_timestamp();
  if v_offer.one_claim_per_person then
    v_claim_id := ticketing.own_claim(p_discount_id, v_caller.user_id);
  end if;
  if v_offer.id is null then
    return ticketing.refused('OFFER_NOT_FOUND') || '{"remaining": 0}';
  elsif not v_offer.active or v_offer.starts_at > v_now or v_offer.ends_at <= v_now then
    return ticketing.refused('OFFER_INACTIVE') || jsonb_build_object('remaining', coalesce(v_offer.people_remaining, -1));
  elsif v_claim_id is not null then
    return ticketing.refused('ALREADY_CLAIMED') || ticketing.claim_answer(v_claim_id);
  elsif v_offer.people_remaining < p_party_size then
    return ticketing.refused('INSUFFICIENT_SPOTS') || jsonb_build_object('remaining', v_offer.people_remaining);
  end if;
  insert into public.offer_claims (discount_id, user_id, party_size, request_key, request_fingerprint)
    values (p_discount_id, v_caller.user_id, p_party_size, v_key.request_key, v_key.fingerprint) returning id into v_claim_id;
  return ticketing.claim_answer(v_claim_id) || '{"success": true, "replayed": false}';
exception
  when check_violation then
    return ticketing.refused('INSUFFICIENT_SPOTS') || jsonb_build_object('remaining',
      (select greatest(d.people_remaining, 0) from public.discounts d where d.id = p_discount_id));
  when unique_violation then
    get stacked diagnostics v_constraint = constraint_name;
    if v_constraint = 'uniq_claim_request_key' then
      return ticketing.reused_key() || '{"remaining": 0}';
    end if;
    return ticketing.refused('ALREADY_CLAIMED')
      || coalesce(ticketing.claim_answer(ticketing.own_claim(p_discount_id, v_caller.user_id)), '{"remaining": 0}');
  when lock_not_available or deadlock_detected then
    return ticketing.refused('LOCK_TIMEOUT') || '{"remaining": 0}';
end
$$;

-- own_claim: the claim of an offer that a person has not given back; null where there is none.
create or replace function ticketing.own_claim(p_discount_id uuid, p_user_id uuid) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select c.id from public.offer_claims c
    where c.discount_id = p_discount_id and c.user_id = p_user_id and c.status <> 'released' limit 1);
end
$$;

-- claim_answer: what its guest is told about a claim, as it is now.
create or replace function ticketing.claim_answer(p_claim_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('remaining', coalesce(d.people_remaining, -1), 'claim_id', c.id, 'qr_token', c.qr_token,
      'status', c.status)
    from public.offer_claims c join public.discounts d on d.id = c.discount_id where c.id = p_claim_id);
end
$$;
