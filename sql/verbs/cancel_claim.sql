-- cancel_claim: give the places of an offer back; for the guest whose claim it is, and for the house's staff.
--
-- Answers, first that applies:
--   UNAUTHORIZED     a guest who is not signed in
--   CLAIM_NOT_FOUND  no such claim, or somebody else's: nothing is learned
--   ALREADY_USED     the party was admitted
--   LOCK_TIMEOUT     busy for five seconds; try again
--   success          {success: true, claim_id, already_cancelled}; however often it is asked
-- Locks:  the offer, then the claim.
-- Writes: offer_claims (1 row); the counter follows by trigger.
create or replace function ticketing.cancel_claim(p_claim_id uuid) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_claim public.offer_claims;
begin
  if v_caller.user_id is null and not v_caller.is_trusted then
    return ticketing.refused('UNAUTHORIZED');
  end if;
  select c.* into v_claim from public.offer_claims c join public.discounts d on d.id = c.discount_id
    where c.id = p_claim_id and (v_caller.is_trusted or c.user_id = v_caller.user_id
      or ticketing.works_for(v_caller.user_id, d.business_id));
  if v_claim.id is null then
    return ticketing.refused('CLAIM_NOT_FOUND');
  end if;
  -- The lock of the offer, as in claiming: who queues for these places sees them free.
  perform ticketing.lock_key('offer:' || v_claim.discount_id);
  perform ticketing.limit_wait();
  select * into v_claim from public.offer_claims c where c.id = p_claim_id for no key update;
  if v_claim.id is null then
    return ticketing.refused('CLAIM_NOT_FOUND');
  elsif v_claim.status = 'redeemed' then
    return ticketing.refused('ALREADY_USED', 'This party was admitted.');
  elsif v_claim.status = 'claimed' then
    update public.offer_claims set status = 'released' where id = p_claim_id;
  end if;
  return jsonb_build_object('success', true, 'claim_id', p_claim_id, 'already_cancelled', v_claim.status = 'released');
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
