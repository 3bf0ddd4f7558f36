-- undo_scan: take back a scan that was a mistake, of a ticket, a claim or a booking: who holds it can come in again. Where another
-- scan opened a gate besides (a gate without network), that one counts from now on. The scan stays in the log as UNDONE, and the
-- undoing is a row beside it; told again by a gate it opens nothing.
--
-- p_kind: ticket, claim or booking. p_scan_id, or p_scanned_at as an answer gave it, names the very scan, p_device_id the gate of
-- gates whose ids are the same: a repeated call undoes no later scan, and one that does not count (an entry too many) can be undone too.
-- Answers, first that applies:
--   INVALID_REQUEST  no such kind, no id, no reason or one of more than 500 characters, neither p_scan_id nor p_scanned_at
--   NOT_FOUND        nothing of the kind, or a business's that the caller does not work for: it learns nothing
--   NOT_SCANNED      no scan of it that opened is the one that is named
--   INVALID_REQUEST  two gates gave this id, or have this time, none of them was undone, and p_device_id names neither
--   FORBIDDEN        the door's staff, of a scan that somebody else made: owners and managers undo all
--   success          also where this very scan was undone before (replayed: true)
--   INVALID_STATUS   the ticket is sent back, or on its way
--   UNDO_TOO_LATE    it is recorded for longer than settings.undo_window
--   LOCK_TIMEOUT
--   success          {success: true, kind, id, status, undone: {scanned_at, scanned_by, device_id}, counted: {the same} or null,
--                    replayed}; status is that of the ticket, claim or booking now, counted the scan that counts now
-- Locks:  the row of the ticket, claim or booking.
-- Writes: scan_logs (the scan, and the undoing as a row), tickets, offer_claims or reservations.
create or replace function ticketing.undo_scan(p_kind text, p_id uuid, p_reason text, p_scan_id text default null,
  p_device_id text default null, p_scanned_at timestamptz default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_role text;
  v_shown record;
  v_meant record;
  v_scan public.scan_logs;
begin
  if p_id is null or p_kind is null or p_kind not in ('ticket', 'claim', 'booking')
      or coalesce(length(p_reason), 0) not between 1 and 500
      or p_scan_id is null and p_scanned_at is null then
    return ticketing.refused('INVALID_REQUEST', 'A ticket, a claim or a booking, a reason of at most 500 characters, and the id '
      || 'or the time of the scan are needed.');
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
  v_meant := ticketing.scan_to_undo(p_kind, p_id, ticketing.kept_scan_id(p_scan_id), left(p_device_id, 200), p_scanned_at);
  v_scan := v_meant.scan;
  if v_scan.id is null then
    return ticketing.refused('NOT_SCANNED');
  elsif v_meant.is_ambiguous then
    return ticketing.refused('INVALID_REQUEST', 'More than one gate made such a scan: name the device.');
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

-- scan_to_undo: the scan that is meant, of those that opened a gate or were undone: the named device's before one without a device, one
-- that was undone before those that were not, so that a repeated call finds what it undid.
create or replace function ticketing.scan_to_undo(
  p_kind text, p_id uuid, p_scan_id text, p_device_id text, p_scanned_at timestamptz, out scan public.scan_logs, out is_ambiguous boolean)
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_matching integer := 0;
  v_scan public.scan_logs;
begin
  for v_scan in
    select s.* from ticketing.scans_of(p_kind, p_id) s
    where (s.scan_success or s.offline or s.error_code in ('SUPERSEDED', 'UNDONE'))
      and (p_scan_id is null or s.scan_id = p_scan_id) and (p_scanned_at is null or s.scanned_at = p_scanned_at)
      and coalesce(s.device_id = p_device_id, true)
    order by coalesce(s.device_id = p_device_id, false) desc, s.error_code is not distinct from 'UNDONE' desc, s.scan_success desc,
      s.recorded_at desc
  loop
    if scan.id is null then
      scan := v_scan;
    end if;
    v_matching := v_matching + 1;
  end loop;
  is_ambiguous := v_matching > 1 and p_device_id is null and scan.error_code is distinct from 'UNDONE';
end
$$;

create or replace function ticketing.scans_of(p_kind text, p_id uuid) returns setof public.scan_logs
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return query
    select s.* from public.scan_logs s where p_kind = 'ticket' and s.ticket_id = p_id
    union all
    select s.* from public.scan_logs s where p_kind = 'claim' and s.claim_id = p_id
    union all
    select s.* from public.scan_logs s where p_kind = 'booking' and s.reservation_id = p_id;
end
$$;

-- write_undo: the scan counts no more, and the row that says so; then what was scanned, as the scans that are left have it. The
-- ticket's row is written in any case: who counts its scans with an older snapshot is told to retry.
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
  v_undo.was_double := not p_scan.scan_success or exists (
    select from public.scan_logs s where s.ticket_id = p_scan.ticket_id and s.id <> p_scan.id
      and (s.offline or s.error_code = 'SUPERSEDED') and s.error_code is distinct from 'UNDONE'
      and coalesce(s.gate_event_id, s.event_id) = s.event_id);
  perform ticketing.log_scan(v_undo);
  update public.tickets t set undone_at = v_undo.scanned_at where t.id = p_scan.ticket_id;
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
  v_counted public.scan_logs;
begin
  select s.* into v_counted from ticketing.scans_of(p_kind, p_id) s where s.scan_success;
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
