-- admit_offline: whether a scan that a gate made without network is the one that admits. The one place that decides about
-- these.
--
-- p_told is the scan as it was told: scanned_by, device_id, scan_id, claimed_at (null: no time that can be read), gate_event_id,
-- presented_hash, disbelieved, error_code.
-- Outcomes, first that applies:
--   FORBIDDEN        a signed-in caller works at no gate
--   NOT_FOUND        no such ticket, or one of somebody else's event, or of another business than p_business_id
--   UNREADABLE       instead, where p_told.error_code says so: what was shown cannot be a code at all
--   ADMITTED         it is the first; scanned_at and scanned_by are this scan's
--   UNDONE           staff undid this very scan
--   WRONG_EVENT      the gate was at another event; the ticket is as it was
--   INVALID_STATUS   cancelled, refunded or being refunded; it admits when a refund of that ticket fails (give_back_tickets)
--   ALREADY_USED     another scan is before it; scanned_at and scanned_by are that one's
-- conflict_resolved: there is another scan, and one of the two lost. The earlier one is before the other, of two at the same
-- instant the one that was recorded first; but what a gate's clock only claimed is after all that is believed.
-- clock_suspect: a scan of the future, or without a time, counts as of now. One from before the ticket as of its making, and it
-- and one older than ticketing.settings.offline_scan_age are only claimed: a clock that is dead makes nobody the first.
-- disbelieved: what else was told and cannot be. The gate has opened: the scan is kept, in the caller's name where the named
-- scanner does not work there.
-- A scan is one row, however often it is sent: its id, or ticket, scanner, device and the time by the gate's clock tell which one
-- it is. Sent again it gets the same answer, unless what it was told has changed since. So does one that was admitted online.
-- Locks:  the ticket's row, for those who may know of it.
-- Writes: tickets, whose row each new opening writes; scan_logs: every judged scan, the refused ones too, and under what was
-- shown those of what is not ours.
create or replace function ticketing.admit_offline(
  p_ticket_id uuid, p_told public.scan_logs, p_business_id uuid default null,
  out outcome text, out conflict_resolved boolean, out scanned_at timestamptz, out scanned_by uuid, out clock_suspect boolean,
  out disbelieved jsonb)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_ticket public.tickets;
  v_own public.scan_logs;
  v_winner public.scan_logs;
begin
  conflict_resolved := false;
  v_own := ticketing.believed_scan(p_told, p_ticket_id, p_business_id);
  clock_suspect := v_own.claimed_at is null;
  disbelieved := v_own.disbelieved;
  outcome := ticketing.offline_refusal(p_ticket_id, p_business_id);
  if outcome = 'NOT_FOUND' then
    outcome := coalesce(p_told.error_code, outcome);
    v_own.business_id := p_business_id;
    v_own.presented_id := case when v_own.presented_hash is null then p_ticket_id end;
    perform ticketing.log_unknown_scan(v_own, outcome);
  end if;
  if outcome is not null then
    return;
  end if;
  v_own.presented_hash := null;
  v_ticket := ticketing.lock_scanned(p_ticket_id);
  if v_ticket.id is null then
    -- Deleted by hand while the scan waited.
    outcome := 'NOT_FOUND';
    return;
  end if;
  select * into v_winner from public.scan_logs s where s.ticket_id = p_ticket_id and s.scan_success;
  v_own := ticketing.own_scan(v_ticket, v_own);
  clock_suspect := v_own.clock_suspect;

  outcome := case
    when v_own.id = v_winner.id then 'ADMITTED'
    when v_own.error_code = 'UNDONE' then 'UNDONE'
    when v_own.gate_event_id <> v_ticket.event_id then 'WRONG_EVENT'
    when v_ticket.status not in ('valid', 'used') then 'INVALID_STATUS'
    when v_ticket.status = 'valid' or ticketing.is_before(v_own, v_winner) then 'ADMITTED'
    else 'ALREADY_USED' end;
  if v_own.id = v_winner.id then
    conflict_resolved := exists (
      select from public.scan_logs s where s.ticket_id = p_ticket_id and s.error_code = 'SUPERSEDED');
  else
    conflict_resolved := outcome in ('ADMITTED', 'ALREADY_USED') and v_winner.id is not null;
    if not ticketing.write_offline_scan(v_ticket, v_own, outcome) then
      outcome := 'ALREADY_USED';
      select * into v_winner from public.scan_logs s where s.ticket_id = p_ticket_id and s.scan_success;
    end if;
  end if;
  if outcome = 'ADMITTED' then
    scanned_at := v_own.scanned_at;
    scanned_by := v_own.scanned_by;
  elsif outcome = 'ALREADY_USED' then
    scanned_at := v_winner.scanned_at;
    scanned_by := v_winner.scanned_by;
  end if;
end
$$;

-- offline_refusal: why an offline scan of a ticket is not judged: FORBIDDEN, NOT_FOUND; null where it is. Without any lock:
-- who may not know of a ticket does not wait for it either, nor makes a gate wait.
create or replace function ticketing.offline_refusal(p_ticket_id uuid, p_business_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_event record;
begin
  select e.id, e.business_id into v_event
    from public.tickets t join public.events e on e.id = t.event_id where t.id = p_ticket_id;
  return coalesce(ticketing.scan_refusal((ticketing.caller()).user_id, v_event.id),
    case when v_event.id is null or v_event.business_id <> p_business_id then 'NOT_FOUND' end);
end
$$;

-- believed_scan: a scan as it was told, at an event of the house whose ticket it is, by who may have made it: a colleague of the
-- caller there, else the caller. A trusted caller's word about who it was is taken.
create or replace function ticketing.believed_scan(
  p_told public.scan_logs, p_ticket_id uuid, p_business_id uuid) returns public.scan_logs
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record := ticketing.caller();
  v_business_id uuid := coalesce((
    select e.business_id from public.tickets t join public.events e on e.id = t.event_id where t.id = p_ticket_id), p_business_id);
begin
  p_told.offline := true;
  p_told.scan_method := 'offline';
  p_told.synced_by := v_caller.user_id;
  if not v_caller.is_trusted and p_told.scanned_by <> v_caller.user_id
      and ticketing.works_for(p_told.scanned_by, v_business_id) is not true then
    p_told.disbelieved := coalesce(p_told.disbelieved, '{}') || jsonb_build_object('scanned_by', p_told.scanned_by);
    p_told.scanned_by := null;
  end if;
  p_told.scanned_by := coalesce(p_told.scanned_by, v_caller.user_id);
  if (select e.business_id from public.events e where e.id = p_told.gate_event_id) is distinct from v_business_id
      and p_told.gate_event_id is not null then
    p_told.disbelieved := coalesce(p_told.disbelieved, '{}') || jsonb_build_object('event', p_told.gate_event_id);
    p_told.gate_event_id := null;
  end if;
  return p_told;
end
$$;

-- own_scan: the row of an opening that was told before; where there is none, what is known of it, without an id. A scan that
-- was refused online opened nothing: what the same gate opened afterwards is another one.
create or replace function ticketing.own_scan(p_ticket public.tickets, p_told public.scan_logs) returns public.scan_logs
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_own public.scan_logs;
begin
  select * into v_own from public.scan_logs s
    where s.ticket_id = p_ticket.id and (s.offline or s.scan_success or s.error_code in ('SUPERSEDED', 'UNDONE'))
      and (ticketing.is_same_scan(s, p_told.scan_id, p_told.device_id)
        or (s.scan_id is null or p_told.scan_id is null) and ticketing.is_told_again(s, p_told))
    order by s.scan_success desc, s.error_code = 'UNDONE' limit 1;
  if v_own.id is null then
    v_own := p_told;
    v_own.scanned_at := greatest(least(p_told.claimed_at, clock_timestamp()), p_ticket.created_at);
    v_own.clock_suspect := p_told.claimed_at is null or v_own.scanned_at <> p_told.claimed_at
      or ticketing.is_claimed(p_told.claimed_at, p_ticket.created_at);
  elsif v_own.error_code in ('INVALID_STATUS', 'WRONG_EVENT') then
    v_own.gate_event_id := p_told.gate_event_id;
  end if;
  return v_own;
end
$$;

-- is_told_again: whether an offline scan without an id is one that was told before: the same scanner, device and time by the
-- gate's clock, as they were told. Without a time neither has an id: two of no time are not the same by that, and what comes after
-- an undone one is another one: an entry is never lost.
create or replace function ticketing.is_told_again(p_kept public.scan_logs, p_told public.scan_logs) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return p_kept.offline and p_kept.claimed_at is not distinct from p_told.claimed_at
    and (p_told.claimed_at is not null
      or p_kept.scan_id is null and p_told.scan_id is null and p_kept.error_code is distinct from 'UNDONE')
    and p_kept.disbelieved ->> 'scanned_at' is not distinct from p_told.disbelieved ->> 'scanned_at'
    and p_kept.device_id is not distinct from p_told.device_id
    and coalesce(p_kept.disbelieved ->> 'scanned_by', p_kept.scanned_by::text)
      is not distinct from coalesce(p_told.disbelieved ->> 'scanned_by', p_told.scanned_by::text);
end
$$;

-- is_before: whether the first of two scans is the one that counts. A clock that was ahead claims nothing: its scan counts
-- as of when it was told, which is late enough.
create or replace function ticketing.is_before(p_scan public.scan_logs, p_other public.scan_logs) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return (ticketing.is_only_claimed(p_scan), p_scan.scanned_at) < (ticketing.is_only_claimed(p_other), p_other.scanned_at);
end
$$;

-- write_offline_scan: the scan as its one row and, where it admits, the ticket as its own and the scan that it beats as
-- beaten. False where the second protection, the unique successful scan, knows another winner: it is that one's then.
create or replace function ticketing.write_offline_scan(
  p_ticket public.tickets, p_scan public.scan_logs, p_outcome text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_admits boolean := p_outcome = 'ADMITTED';
begin
  if v_admits then
    update public.tickets t set status = 'used', checked_in_at = p_scan.scanned_at, checked_in_by = p_scan.scanned_by
      where t.id = p_ticket.id;
    update public.scan_logs s set scan_success = false, error_code = 'SUPERSEDED'
      where s.ticket_id = p_ticket.id and s.scan_success and p_ticket.status = 'used';
  end if;
  if p_scan.id is not null then
    update public.scan_logs s
      set scan_success = v_admits, error_code = nullif(p_outcome, 'ADMITTED'), gate_event_id = p_scan.gate_event_id
      where s.id = p_scan.id and (v_admits or s.error_code in ('INVALID_STATUS', 'WRONG_EVENT'));
    if found and not v_admits then
      perform ticketing.touch_ticket(p_ticket.id);
    end if;
    return true;
  end if;
  p_scan.event_id := p_ticket.event_id;
  p_scan.ticket_id := p_ticket.id;
  p_scan.scan_success := v_admits;
  p_scan.error_code := nullif(p_outcome, 'ADMITTED');
  if ticketing.log_scan(p_scan) then
    if not v_admits then
      perform ticketing.touch_ticket(p_ticket.id);
    end if;
    return true;
  end if;
  perform ticketing.restore_winner(p_ticket.id);
  perform ticketing.write_offline_scan(p_ticket, p_scan, 'ALREADY_USED');
  return false;
end
$$;
