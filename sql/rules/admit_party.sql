-- admit_party: what a gate is told about a party whose claim or booking the caller has locked and judged.
--
-- p_scan is the scan as far as it is known, p_outcome the judgement, p_was_admitted whether the party was let in before.
-- Outcomes, first that applies: ADMITTED again (the scan that admitted has the id of p_scan), UNDONE (staff undid the scan of
-- that id), p_outcome; ALREADY_USED where the second protection, the unique successful scan, knows a winner.
-- device_id is the winner's where the party was let in before. is_first: this scan lets it in, and the caller writes that down.
-- Writes: scan_logs: every judged scan; one that is sent again and told the same, once.
create or replace function ticketing.admit_party(
  p_scan public.scan_logs, p_outcome text, p_was_admitted boolean,
  out outcome text, out device_id text, out is_first boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_winner public.scan_logs;
  v_is_new boolean;
begin
  outcome := p_outcome;
  is_first := false;
  if p_was_admitted then
    select s.* into v_winner from public.scan_logs s where s.claim_id = p_scan.claim_id and s.scan_success
      union all
      select s.* from public.scan_logs s where s.reservation_id = p_scan.reservation_id and s.scan_success;
    if ticketing.is_replay(v_winner, p_scan.scan_id, p_scan.device_id) then
      outcome := 'ADMITTED';
      return;
    end if;
    device_id := v_winner.device_id;
  end if;
  p_scan.scan_method := 'qr';
  p_scan.scan_success := outcome = 'ADMITTED';
  p_scan.error_code := nullif(outcome, 'ADMITTED');
  v_is_new := ticketing.log_judged_scan(p_scan);
  is_first := v_is_new and outcome = 'ADMITTED';
  if not v_is_new then
    outcome := case when ticketing.was_undone(p_scan) then 'UNDONE' when outcome = 'ADMITTED' then 'ALREADY_USED' else outcome end;
  end if;
end
$$;
