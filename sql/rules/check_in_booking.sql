-- check_in_booking: let the party of a booked table in, once, on its evening: from a while before its slot begins
-- (settings.booking_before) until the slot ends, which may be after midnight.
--
-- Outcomes, first that applies: ADMITTED again (the scan that admitted has this p_scan_id), ALREADY_USED (scanned_at and
-- device_id are the winner's), CANCELLED (also where the party was given up), TOO_EARLY, TOO_LATE, ADMITTED, LOCK_TIMEOUT.
-- Locks:  the booking's row.
-- Writes: reservations, scan_logs: every judged scan; one that is sent again and told the same, once.
create or replace function ticketing.check_in_booking(
  p_reservation_id uuid, p_scanned_by uuid, p_device_id text, p_scan_id text default null,
  out outcome text, out scanned_at timestamptz, out device_id text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_booking record;
  v_winner public.scan_logs;
  v_evening record;
  v_now timestamptz;
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
  v_now := clock_timestamp();
  if v_booking.status = 'checked_in' then
    select * into v_winner from public.scan_logs s where s.reservation_id = p_reservation_id and s.scan_success;
    if ticketing.is_replay(v_winner, p_scan_id, p_device_id) then
      outcome := 'ADMITTED';
      scanned_at := v_booking.checked_in_at;
      return;
    end if;
    device_id := v_winner.device_id;
  end if;
  outcome := case v_booking.status when 'checked_in' then 'ALREADY_USED' when 'confirmed' then
      coalesce(ticketing.outside(v_now, v_evening.starts_at - (select s.booking_before from ticketing.settings s),
        v_evening.ends_at), 'ADMITTED')
    else 'CANCELLED' end;
  insert into public.scan_logs
      (business_id, reservation_id, scanned_by, device_id, scan_id, scan_method, scan_success, error_code, scanned_at)
    select v_booking.business_id, p_reservation_id, p_scanned_by, p_device_id, p_scan_id, 'qr', outcome = 'ADMITTED',
      nullif(outcome, 'ADMITTED'), v_now
    where p_scan_id is null or not exists (
      select from public.scan_logs s where s.reservation_id = p_reservation_id and s.error_code = outcome
        and ticketing.is_same_scan(s, p_scan_id, p_device_id))
    on conflict do nothing;
  if outcome = 'ADMITTED' and not found then
    outcome := 'ALREADY_USED';
  elsif outcome = 'ADMITTED' then
    update public.reservations r set status = 'checked_in', checked_in_at = v_now, checked_in_by = p_scanned_by
      where r.id = p_reservation_id;
  end if;
  scanned_at := case outcome when 'ADMITTED' then v_now else v_booking.checked_in_at end;
exception when lock_not_available or deadlock_detected then
  outcome := 'LOCK_TIMEOUT';
end
$$;
