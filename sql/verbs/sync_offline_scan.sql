-- sync_offline_scan: record a scan that a gate made without network. The earliest scan wins; the loser is kept and told.
--
--   success            this scan is the one that admits
--   conflict_resolved  another scan of this ticket exists, online or from another gate, and one of the two lost
--   already_scanned    the other scan won; scanned_at and scanned_by are the winner's
--   error_message      why not; "not found" also for a ticket of somebody else's event
-- A signed-in caller names itself: whoever else it names is noted, and the scan is its own. Without a time it is as of now.
-- p_event_id is the event at whose gate it was.
-- Outcomes, locks and writes: admit_offline, which decides.
create or replace function ticketing.sync_offline_scan(
  p_ticket_id uuid, p_scanned_by uuid, p_scanned_at timestamptz, p_device_id text default null, p_event_id uuid default null
) returns table (success boolean, conflict_resolved boolean, already_scanned boolean, scanned_at timestamptz,
                 scanned_by uuid, error_message text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_told public.scan_logs;
  v_scan record;
begin
  v_told.scanned_by := p_scanned_by;
  v_told.claimed_at := p_scanned_at;
  v_told.device_id := left(p_device_id, 200);
  v_told.gate_event_id := p_event_id;
  if p_scanned_at is null then
    v_told.disbelieved := '{"scanned_at": null}';
  end if;
  if not v_caller.is_trusted and p_scanned_by is distinct from v_caller.user_id then
    v_told.disbelieved := coalesce(v_told.disbelieved, '{}') || jsonb_build_object('scanned_by', p_scanned_by);
    v_told.scanned_by := v_caller.user_id;
  end if;
  v_scan := ticketing.admit_offline(p_ticket_id, v_told);
  return query select v_scan.outcome = 'ADMITTED', v_scan.conflict_resolved, v_scan.outcome = 'ALREADY_USED',
    v_scan.scanned_at, v_scan.scanned_by, case when v_scan.outcome <> 'ADMITTED' then ticketing.scan_message(v_scan.outcome) end;
-- The unique successful scan refused a scan that had been refused before: the next try sees why.
exception when lock_not_available or deadlock_detected or unique_violation then
    return query select false, false, false, null::timestamptz, null::uuid, ticketing.refusal_message('LOCK_TIMEOUT');
end
$$;
