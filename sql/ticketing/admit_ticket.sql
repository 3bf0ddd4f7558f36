-- admit_ticket: open the gate for a ticket, once. The one place that decides about a scan.
--
-- Outcomes, first that applies:
--   FORBIDDEN       a signed-in caller names somebody else, or is no staff of the ticket's business; nothing is learned
--   NOT_FOUND       no such ticket
--   ADMITTED        it was valid; scanned_at and scanned_by are this scan's
--   ALREADY_USED    scanned before; scanned_at and scanned_by are the winner's
--   INVALID_STATUS  cancelled, refunded or being refunded
--   LOCK_TIMEOUT    busy for five seconds; try again
-- Locks:  the ticket's row.
-- Writes: tickets, scan_logs: every judged scan, the refused ones too.
create or replace function ticketing.admit_ticket(
  p_ticket_id uuid, p_scanned_by uuid, p_device_id text, p_scan_method text,
  out outcome text, out scanned_at timestamptz, out scanned_by uuid
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_event_id uuid;
  v_status text;
begin
  select t.event_id into v_event_id from public.tickets t where t.id = p_ticket_id;
  if not ticketing.may_scan(p_scanned_by, v_event_id) then
    outcome := 'FORBIDDEN';
    return;
  end if;
  perform ticketing.limit_wait();
  begin
    update public.tickets t
      set status = 'used', checked_in_at = clock_timestamp(), checked_in_by = p_scanned_by
      where t.id = p_ticket_id and t.status = 'valid'
      returning t.checked_in_at, t.checked_in_by into scanned_at, scanned_by;
    if found then
      insert into public.scan_logs (event_id, ticket_id, scanned_by, device_id, scan_method, scan_success, scanned_at)
        values (v_event_id, p_ticket_id, p_scanned_by, p_device_id, p_scan_method, true, scanned_at)
        on conflict do nothing;
      if found then
        outcome := 'ADMITTED';
        return;
      end if;
      -- The second protection, the unique successful scan, knows a winner: what was just written is written back. To raise
      -- and undo the block instead, while other gates wait for the row, makes PostgreSQL 18.4 now and then fail with XX000
      -- (a multixact of two updaters).
      update public.tickets t set checked_in_at = s.scanned_at, checked_in_by = s.scanned_by
        from public.scan_logs s
        where t.id = p_ticket_id and s.ticket_id = p_ticket_id and s.scan_success;
    end if;
  exception when lock_not_available or deadlock_detected then
    outcome := 'LOCK_TIMEOUT';
    return;
  end;
  select t.status, t.checked_in_at, t.checked_in_by into v_status, scanned_at, scanned_by
    from public.tickets t where t.id = p_ticket_id;
  outcome := case when v_status is null then 'NOT_FOUND' when v_status = 'used' then 'ALREADY_USED' else 'INVALID_STATUS' end;
  insert into public.scan_logs
      (event_id, ticket_id, presented_id, scanned_by, device_id, scan_method, scan_success, error_code, scanned_at)
    values (v_event_id, case when v_status is not null then p_ticket_id end,
      case when v_status is null then p_ticket_id end, p_scanned_by, p_device_id, p_scan_method, false, outcome,
      clock_timestamp());
end
$$;

-- may_scan: a signed-in caller may only name itself, and must work for the event's business; a trusted caller's word is
-- taken and recorded as such. What is no ticket has no event: any staff member may be told that.
create or replace function ticketing.may_scan(p_scanned_by uuid, p_event_id uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record := ticketing.caller();
begin
  -- Naming nobody is not naming oneself: what is null is no.
  return v_caller.is_trusted or coalesce(p_scanned_by = v_caller.user_id, false) and case
    when p_event_id is null then exists (select from public.business_staff s where s.user_id = v_caller.user_id)
    else ticketing.is_staff(v_caller.user_id, p_event_id) end;
end
$$;
