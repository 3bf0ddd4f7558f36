-- scan_ticket_atomic: admit by scan; always one row. Whatever the time, and at a cancelled event too, until cancel_event sends its
-- money back; with settings.strict_doors by the rules of validate_qr.
--   success          this scan opened the gate
--   already_scanned  another scan did, before; scanned_at and scanned_by are that one's
--   error_message    why not; contains "not found" for an unknown ticket
-- p_event_id: the event at whose gate it is; a ticket of another one is refused.
-- Outcomes, locks and writes: admit_ticket.
create or replace function ticketing.scan_ticket_atomic(
  p_ticket_id uuid, p_scanned_by uuid, p_device_id text default null, p_scan_method text default 'qr', p_event_id uuid default null
) returns table (success boolean, already_scanned boolean, scanned_at timestamptz, scanned_by uuid, error_message text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_scan record;
begin
  v_scan := ticketing.admit_ticket(p_ticket_id, p_scanned_by, left(p_device_id, 200), left(coalesce(nullif(p_scan_method, ''), 'qr'), 50),
    (select s.strict_doors from ticketing.settings s), null, p_event_id);
  return query select v_scan.outcome = 'ADMITTED', v_scan.outcome = 'ALREADY_USED', v_scan.scanned_at, v_scan.scanned_by,
    case when v_scan.outcome <> 'ADMITTED' then ticketing.scan_message(v_scan.outcome) end;
end
$$;
