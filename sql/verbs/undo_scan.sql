-- undo_scan: take back a scan that was a mistake, of a ticket, a claim or a booking: who holds it can come in again. Where another
-- scan opened a gate besides (a gate without network), that one counts from now on. The scan stays in the log as UNDONE, and the
-- undoing is a row beside it; told again by a gate it opens nothing.
--
-- p_kind: ticket, claim or booking. p_scan_id names the very scan: a repeated call undoes no later one, and one that does not count
-- (an entry too many) can be undone too. Without it: the scan that counts.
-- Answers, first that applies:
--   INVALID_REQUEST  no such kind, no id, no reason or one of more than 500 characters
--   NOT_FOUND        nothing of the kind, or a business's that the caller does not work for: it learns nothing
--   NOT_SCANNED      no scan of it counts, or none that opened has this scan id
--   FORBIDDEN        the door's staff, of a scan that somebody else made: owners and managers undo all
--   success          also where this very scan was undone before (replayed: true)
--   INVALID_STATUS   the ticket is sent back, or on its way
--   UNDO_TOO_LATE    it is recorded for longer than settings.undo_window
--   LOCK_TIMEOUT
--   success          {success: true, kind, id, status, undone: {scanned_at, scanned_by, device_id}, counted: {the same} or null,
--                    replayed}; status is that of the ticket, claim or booking now, counted the scan that counts now
-- Locks:  the row of the ticket, claim or booking.
-- Writes: scan_logs (the scan, and the undoing as a row), tickets, offer_claims or reservations.
create or replace function ticketing.undo_scan(p_kind text, p_id uuid, p_reason text, p_scan_id text default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_role text;
  v_shown record;
  v_scan public.scan_logs;
begin
  if p_id is null or p_kind is null or p_kind not in ('ticket', 'claim', 'booking')
      or coalesce(length(p_reason), 0) not between 1 and 500 then
    return ticketing.refused('INVALID_REQUEST', 'A ticket, a claim or a booking and a reason are needed; a reason is not longer than 500.');
  end if;
  v_shown := ticketing.scanned_thing(p_kind, p_id);
  select s.role into v_role from public.business_staff s where s.business_id = v_shown.business_id and s.user_id = v_caller.user_id;
  if v_shown.business_id is null or v_role is null and not v_caller.is_trusted then
    return ticketing.refused('NOT_FOUND');
  end if;
  perform ticketing.limit_wait();
  case p_kind
    when 'ticket' then perform from public.tickets t where t.id = p_id for no key update;
    when 'claim' then perform from public.offer_claims c where c.id = p_id for no key update;
    else perform from public.reservations r where r.id = p_id for no key update;
  end case;
  v_shown := ticketing.scanned_thing(p_kind, p_id);
  v_scan := ticketing.scan_to_undo(p_kind, p_id, p_scan_id);
  if v_scan.id is null then
    return ticketing.refused('NOT_SCANNED');
  elsif not v_caller.is_trusted and v_role = 'door' and v_scan.scanned_by is distinct from v_caller.user_id then
    return ticketing.refused('FORBIDDEN', 'Somebody else made this scan: owners and managers undo it.');
  elsif v_scan.error_code = 'UNDONE' then
    return ticketing.undo_answer(p_kind, p_id, v_scan, true);
  elsif v_scan.scan_success and v_shown.status not in ('used', 'redeemed', 'checked_in') then
    return ticketing.refused('INVALID_STATUS', 'This ticket is sent back.');
  elsif v_scan.recorded_at < clock_timestamp() - (select s.undo_window from ticketing.settings s) then
    return ticketing.refused('UNDO_TOO_LATE');
  end if;
  perform ticketing.write_undo(v_scan, p_reason, v_caller.user_id);
  return ticketing.undo_answer(p_kind, p_id, v_scan, false);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- scanned_thing: whose it is, and its status; nulls for nothing.
create or replace function ticketing.scanned_thing(p_kind text, p_id uuid, out business_id uuid, out status text)
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  case p_kind
    when 'ticket' then select e.business_id, t.status into business_id, status
      from public.tickets t join public.events e on e.id = t.event_id where t.id = p_id;
    when 'claim' then select d.business_id, c.status into business_id, status
      from public.offer_claims c join public.discounts d on d.id = c.discount_id where c.id = p_id;
    else select r.business_id, r.status into business_id, status from public.reservations r where r.id = p_id;
  end case;
end
$$;

-- scan_to_undo: the scan that is meant: the one of this id that opened a gate, or that was undone; without an id the one that counts.
create or replace function ticketing.scan_to_undo(p_kind text, p_id uuid, p_scan_id text) returns public.scan_logs
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_scan public.scan_logs;
begin
  select (k.scan).* into v_scan from (
      select s as scan from public.scan_logs s where p_kind = 'ticket' and s.ticket_id = p_id
      union all
      select s from public.scan_logs s where p_kind = 'claim' and s.claim_id = p_id
      union all
      select s from public.scan_logs s where p_kind = 'booking' and s.reservation_id = p_id) k
    where case when p_scan_id is null then (k.scan).scan_success
      else (k.scan).scan_id = p_scan_id
        and ((k.scan).scan_success or (k.scan).offline or (k.scan).error_code in ('SUPERSEDED', 'UNDONE')) end
    order by (k.scan).scan_success desc, (k.scan).error_code = 'UNDONE', (k.scan).recorded_at desc limit 1;
  return v_scan;
end
$$;

-- write_undo: the scan counts no more, and the row that says so; then what was scanned, as the scans that are left have it.
create or replace function ticketing.write_undo(p_scan public.scan_logs, p_reason text, p_user_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_undo public.scan_logs;
begin
  update public.scan_logs s set scan_success = false, error_code = 'UNDONE' where s.id = p_scan.id;
  v_undo.event_id := p_scan.event_id;
  v_undo.business_id := p_scan.business_id;
  v_undo.ticket_id := p_scan.ticket_id;
  v_undo.claim_id := p_scan.claim_id;
  v_undo.reservation_id := p_scan.reservation_id;
  v_undo.scanned_by := p_user_id;
  v_undo.scan_method := 'undo';
  v_undo.scan_success := false;
  v_undo.error_code := 'UNDO';
  v_undo.scanned_at := clock_timestamp();
  v_undo.undoes := p_scan.id;
  v_undo.reason := p_reason;
  perform ticketing.log_scan(v_undo);
  if not p_scan.scan_success then
    return;
  end if;
  perform ticketing.count_first_opening(p_scan.ticket_id) where p_scan.ticket_id is not null;
  update public.offer_claims c set status = 'claimed', redeemed_at = null, redeemed_by = null where c.id = p_scan.claim_id;
  update public.reservations r set status = 'confirmed', checked_in_at = null, checked_in_by = null where r.id = p_scan.reservation_id;
end
$$;

create or replace function ticketing.undo_answer(p_kind text, p_id uuid, p_scan public.scan_logs, p_replayed boolean) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_counted public.scan_logs := ticketing.scan_to_undo(p_kind, p_id, null);
begin
  return jsonb_build_object('success', true, 'kind', p_kind, 'id', p_id, 'status', (ticketing.scanned_thing(p_kind, p_id)).status,
    'replayed', p_replayed, 'undone', ticketing.opening_facts(p_scan), 'counted', ticketing.opening_facts(v_counted));
end
$$;

create or replace function ticketing.opening_facts(p_scan public.scan_logs) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return case when p_scan.id is not null then jsonb_build_object('scanned_at', p_scan.scanned_at, 'scanned_by', p_scan.scanned_by,
    'device_id', p_scan.device_id) end;
end
$$;
