-- check_in_booking: let the party of a booked table in, once, on its evening: from a while before its slot begins
-- (settings.booking_before) until the slot ends, which may be after midnight.
--
-- Outcomes, first that applies: ADMITTED again (the scan that admitted has this p_scan_id), UNDONE (staff undid the scan of this
-- p_scan_id), ALREADY_USED (scanned_at and device_id are the winner's), CANCELLED (also where the party was given up), TOO_EARLY,
-- TOO_LATE, ADMITTED, LOCK_TIMEOUT.
-- Locks:  the booking's row.
-- Writes: reservations, scan_logs: every judged scan; one that is sent again and told the same, once.
create or replace function ticketing.check_in_booking(
  p_reservation_id uuid, p_scanned_by uuid, p_device_id text, p_scan_id text default null,
  out outcome text, out scanned_at timestamptz, out device_id text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_booking record;
  v_evening record;
  v_scan public.scan_logs;
  v_judged record;
begin
  perform ticketing.limit_wait();
  select r.status, r.checked_in_at, r.business_id, r.slot_id, r.date into v_booking
    from public.reservations r where r.id = p_reservation_id for no key update;
  if not found then
    -- Deleted by hand while the scan waited: there is nothing left to write about.
    outcome := 'UNKNOWN';
    return;
  end if;
  v_evening := ticketing.slot_evening(v_booking.slot_id, v_booking.date);
  v_scan.business_id := v_booking.business_id;
  v_scan.reservation_id := p_reservation_id;
  v_scan.scanned_by := p_scanned_by;
  v_scan.device_id := p_device_id;
  v_scan.scan_id := p_scan_id;
  v_scan.scanned_at := clock_timestamp();
  v_judged := ticketing.admit_party(v_scan, case v_booking.status when 'checked_in' then 'ALREADY_USED' when 'confirmed' then
      coalesce(ticketing.outside(v_scan.scanned_at,
        v_evening.starts_at - (select s.booking_before from ticketing.settings s), v_evening.ends_at), 'ADMITTED')
    else 'CANCELLED' end, v_booking.status = 'checked_in');
  outcome := v_judged.outcome;
  device_id := v_judged.device_id;
  scanned_at := v_booking.checked_in_at;
  if v_judged.is_first then
    scanned_at := v_scan.scanned_at;
    update public.reservations r set status = 'checked_in', checked_in_at = v_scan.scanned_at, checked_in_by = p_scanned_by
      where r.id = p_reservation_id;
  end if;
exception when lock_not_available or deadlock_detected then
  outcome := 'LOCK_TIMEOUT';
end
$$;
