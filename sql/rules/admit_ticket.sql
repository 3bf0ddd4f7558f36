-- admit_ticket: open the gate for a ticket, once. The one place that decides about a scan.
--
-- Outcomes, first that applies:
--   FORBIDDEN       a signed-in caller names somebody else, or works for nobody; nothing is learned
--   NOT_FOUND       no such ticket, or one of a business that the caller does not work for
--   WRONG_EVENT     the gate is at another event (p_gate_event_id); whatever the ticket is, nothing changes
--   ADMITTED        it was valid; scanned_at and scanned_by are this scan's. Or the scan that just admitted has this p_scan_id:
--                   its answer was lost, and it is given again
--   UNDONE          staff undid the very scan that has this p_scan_id: it opens nothing more. Who opens again draws another id
--   ALREADY_USED    scanned before; scanned_at, scanned_by and device_id are the winner's
--   INVALID_STATUS  cancelled, refunded or being refunded: ticket_status says which
--   EVENT_CANCELLED, TOO_EARLY, TOO_LATE  at a door that keeps the event's times (p_keeps_times); at the others EVENT_CANCELLED
--                   from cancel_event on, before the money of this ticket is on its way
--   LOCK_TIMEOUT    busy for five seconds; try again
-- Locks:  the ticket's row.
-- Writes: tickets, scan_logs: every judged scan, the refused ones too; one that is sent again and told the same, once.
create or replace function ticketing.admit_ticket(
  p_ticket_id uuid, p_scanned_by uuid, p_device_id text, p_scan_method text, p_keeps_times boolean default false,
  p_scan_id text default null, p_gate_event_id uuid default null,
  out outcome text, out ticket_status text, out scanned_at timestamptz, out scanned_by uuid, out device_id text
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_refusal text;
  v_scan public.scan_logs;
  v_winner public.scan_logs;
  v_undone_at timestamptz;
begin
  v_scan.ticket_id := p_ticket_id;
  v_scan.scanned_by := p_scanned_by;
  v_scan.device_id := p_device_id;
  v_scan.scan_id := p_scan_id;
  v_scan.scan_method := p_scan_method;
  v_scan.gate_event_id := p_gate_event_id;
  select t.event_id into v_scan.event_id from public.tickets t where t.id = p_ticket_id;
  v_refusal := ticketing.scan_refusal(p_scanned_by, v_scan.event_id);
  if v_refusal = 'FORBIDDEN' then
    outcome := v_refusal;
    return;
  elsif v_refusal = 'NOT_FOUND' then
    -- From here on it is a ticket that does not exist.
    v_scan.ticket_id := null;
    v_scan.event_id := null;
  elsif p_gate_event_id <> v_scan.event_id then
    v_refusal := 'WRONG_EVENT';
  elsif p_keeps_times then
    v_refusal := ticketing.closed_door(v_scan.event_id);
  elsif exists (select from ticketing.cancellations c where c.event_id = v_scan.event_id) then
    v_refusal := 'EVENT_CANCELLED';
  end if;
  begin
    perform ticketing.limit_wait();
    -- Twice at most: a ticket that became valid after the update had passed it by is locked then.
    for v_try in 1..2 loop
      if v_refusal is null then
        update public.tickets t
          set status = 'used', checked_in_at = clock_timestamp(), checked_in_by = p_scanned_by
          where t.id = p_ticket_id and t.status = 'valid'
            and case when t.undone_at is null then true else not ticketing.was_undone(v_scan) end
          returning t.checked_in_at, t.checked_in_by into scanned_at, scanned_by;
        if found then
          v_scan.scanned_at := scanned_at;
          v_scan.scan_success := true;
          if ticketing.log_scan(v_scan) then
            outcome := 'ADMITTED';
            return;
          end if;
          -- The second protection, the unique successful scan, knows a winner: what was just written is written back.
          perform ticketing.restore_winner(p_ticket_id);
        end if;
      end if;
      select t.status, t.checked_in_at, t.checked_in_by, t.undone_at into ticket_status, scanned_at, scanned_by, v_undone_at
        from public.tickets t where t.id = v_scan.ticket_id for no key update;
      exit when v_refusal is not null or ticket_status is distinct from 'valid';
    end loop;
  exception when lock_not_available or deadlock_detected then
    outcome := 'LOCK_TIMEOUT';
    return;
  end;
  select * into v_winner from public.scan_logs s where s.ticket_id = v_scan.ticket_id and s.scan_success;
  if v_refusal is distinct from 'WRONG_EVENT' and ticketing.is_replay(v_winner, p_scan_id, p_device_id) then
    outcome := 'ADMITTED';
    return;
  end if;
  device_id := v_winner.device_id;
  outcome := case when ticket_status is null then 'NOT_FOUND' when v_refusal = 'WRONG_EVENT' then v_refusal
    when v_undone_at is not null and ticketing.was_undone(v_scan) then 'UNDONE'
    when ticket_status = 'used' then 'ALREADY_USED' when ticket_status = 'valid' then v_refusal else 'INVALID_STATUS' end;
  v_scan.ticket_id := case when ticket_status is not null then p_ticket_id end;
  v_scan.presented_id := case when ticket_status is null then p_ticket_id end;
  v_scan.scan_success := false;
  v_scan.error_code := outcome;
  v_scan.scanned_at := clock_timestamp();
  perform ticketing.log_judged_scan(v_scan);
end
$$;

-- closed_door: why an event admits nobody now: EVENT_CANCELLED, TOO_EARLY, TOO_LATE; null where it does.
create or replace function ticketing.closed_door(p_event_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select case when e.status = 'cancelled' then 'EVENT_CANCELLED'
      else ticketing.outside(clock_timestamp(), coalesce(e.entry_from, e.start_at - s.entry_before),
        coalesce(e.entry_until, e.end_at + s.entry_after)) end
    from public.events e, ticketing.settings s where e.id = p_event_id);
end
$$;
