-- redeem_claim: let the party of an offer's claim in, once.
--
-- Outcomes, first that applies: ADMITTED again (the scan that admitted has this p_scan_id), UNDONE (staff undid the scan of this
-- p_scan_id), ALREADY_USED (scanned_at and device_id are the winner's), CANCELLED (given back), TOO_EARLY and TOO_LATE (the offer's
-- own times), ADMITTED, LOCK_TIMEOUT. An offer that is closed to new claims keeps those it gave.
-- Locks:  the claim's row.
-- Writes: offer_claims, scan_logs: every judged scan; one that is sent again and told the same, once.
create or replace function ticketing.redeem_claim(
  p_claim_id uuid, p_scanned_by uuid, p_device_id text, p_scan_id text default null,
  out outcome text, out scanned_at timestamptz, out device_id text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_claim record;
  v_scan public.scan_logs;
  v_judged record;
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
  v_scan.business_id := v_claim.business_id;
  v_scan.claim_id := p_claim_id;
  v_scan.scanned_by := p_scanned_by;
  v_scan.device_id := p_device_id;
  v_scan.scan_id := p_scan_id;
  v_scan.scanned_at := clock_timestamp();
  v_judged := ticketing.admit_party(v_scan, case v_claim.status when 'redeemed' then 'ALREADY_USED' when 'released' then 'CANCELLED'
    else coalesce(ticketing.outside(v_scan.scanned_at, v_claim.starts_at, v_claim.ends_at), 'ADMITTED') end,
    v_claim.status = 'redeemed');
  outcome := v_judged.outcome;
  device_id := v_judged.device_id;
  scanned_at := v_claim.redeemed_at;
  if v_judged.is_first then
    scanned_at := v_scan.scanned_at;
    update public.offer_claims c set status = 'redeemed', redeemed_at = v_scan.scanned_at, redeemed_by = p_scanned_by
      where c.id = p_claim_id;
  end if;
exception when lock_not_available or deadlock_detected then
  outcome := 'LOCK_TIMEOUT';
end
$$;
