-- atomic_ticket_checkin: admit by a member of staff. Whatever the time, and at a cancelled event too, until cancel_event sends its
-- money back; with settings.strict_doors by the rules of validate_qr.
--
-- Answers: FORBIDDEN, NOT_FOUND, WRONG_EVENT (p_event_id names another event than the ticket's), ALREADY_USED (with
-- checked_in_at), INVALID_STATUS (also while cancel_event sends the money back), at strict doors EVENT_CANCELLED, TOO_EARLY,
-- TOO_LATE, LOCK_TIMEOUT as {success: false, error, message, checked_in_at?}; {success: true, checked_in_at}.
-- Outcomes, locks and writes: admit_ticket.
create or replace function ticketing.atomic_ticket_checkin(
  p_ticket_id uuid, p_staff_user_id uuid, p_event_id uuid default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_strict boolean := (select s.strict_doors from ticketing.settings s);
  v_scan record;
begin
  v_scan := ticketing.admit_ticket(p_ticket_id, p_staff_user_id, null, 'checkin', v_strict, null, p_event_id);
  if v_scan.outcome = 'ADMITTED' then
    return jsonb_build_object('success', true, 'checked_in_at', v_scan.scanned_at);
  end if;
  return ticketing.refused(case when v_scan.outcome = 'EVENT_CANCELLED' and not v_strict then 'INVALID_STATUS' else v_scan.outcome end,
    ticketing.scan_message(v_scan.outcome)) || jsonb_strip_nulls(jsonb_build_object('checked_in_at', v_scan.scanned_at));
end
$$;
