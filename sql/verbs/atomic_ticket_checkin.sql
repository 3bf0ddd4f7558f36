-- atomic_ticket_checkin: admit by a member of staff.
--
-- Answers: FORBIDDEN, NOT_FOUND, ALREADY_USED (with checked_in_at), INVALID_STATUS, LOCK_TIMEOUT as
-- {success: false, error, message, checked_in_at?}; {success: true, checked_in_at}.
-- Outcomes, locks and writes: admit_ticket.
create or replace function ticketing.atomic_ticket_checkin(p_ticket_id uuid, p_staff_user_id uuid) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_scan record;
begin
  v_scan := ticketing.admit_ticket(p_ticket_id, p_staff_user_id, null, 'checkin');
  if v_scan.outcome = 'ADMITTED' then
    return jsonb_build_object('success', true, 'checked_in_at', v_scan.scanned_at);
  end if;
  return ticketing.refused(v_scan.outcome, ticketing.scan_message(v_scan.outcome)) || jsonb_strip_nulls(
    jsonb_build_object('checked_in_at', v_scan.scanned_at));
end
$$;
