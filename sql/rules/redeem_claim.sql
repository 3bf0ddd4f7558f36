-- redeem_claim: let the party of an offer's claim in, once.
--
-- Outcomes, first that applies: ADMITTED again (the scan that admitted has this p_scan_id), ALREADY_USED (scanned_at and
-- device_id are the winner's), CANCELLED (given back), TOO_EARLY and TOO_LATE (the offer's own times), ADMITTED, LOCK_TIMEOUT. An
-- offer that is closed to new claims keeps those it gave.
-- Locks:  the claim's row.
-- Writes: offer_claims, scan_logs: every judged scan; one that is sent again and told the same, once.
create or replace function ticketing.redeem_claim(
  p_claim_id uuid, p_scanned_by uuid, p_device_id text, p_scan_id text default null,
  out outcome text, out scanned_at timestamptz, out device_id text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_claim record;
  v_winner public.scan_logs;
  v_now timestamptz;
begin
  perform ticketing.limit_wait();
  select c.status, c.redeemed_at, d.business_id, d.starts_at, d.ends_at into v_claim
    from public.offer_claims c join public.discounts d on d.id = c.discount_id where c.id = p_claim_id
    for no key update of c;
  if not found then
    -- Deleted by hand while the scan waited: there is nothing left to write about.
    outcome := 'UNKNOWN';
    return;
  end if;
  v_now := clock_timestamp();
  if v_claim.status = 'redeemed' then
    select * into v_winner from public.scan_logs s where s.claim_id = p_claim_id and s.scan_success;
    if ticketing.is_replay(v_winner, p_scan_id, p_device_id) then
      outcome := 'ADMITTED';
      scanned_at := v_claim.redeemed_at;
      return;
    end if;
    device_id := v_winner.device_id;
  end if;
  outcome := case v_claim.status when 'redeemed' then 'ALREADY_USED' when 'released' then 'CANCELLED'
    else coalesce(ticketing.outside(v_now, v_claim.starts_at, v_claim.ends_at), 'ADMITTED') end;
  insert into public.scan_logs
      (business_id, claim_id, scanned_by, device_id, scan_id, scan_method, scan_success, error_code, scanned_at)
    select v_claim.business_id, p_claim_id, p_scanned_by, p_device_id, p_scan_id, 'qr', outcome = 'ADMITTED',
      nullif(outcome, 'ADMITTED'), v_now
    where p_scan_id is null or not exists (
      select from public.scan_logs s where s.claim_id = p_claim_id and s.error_code = outcome
        and ticketing.is_same_scan(s, p_scan_id, p_device_id))
    on conflict do nothing;
  if outcome = 'ADMITTED' and not found then
    outcome := 'ALREADY_USED';
  elsif outcome = 'ADMITTED' then
    update public.offer_claims c set status = 'redeemed', redeemed_at = v_now, redeemed_by = p_scanned_by
      where c.id = p_claim_id;
  end if;
  scanned_at := case outcome when 'ADMITTED' then v_now else v_claim.redeemed_at end;
exception when lock_not_available or deadlock_detected then
  outcome := 'LOCK_TIMEOUT';
end
$$;
