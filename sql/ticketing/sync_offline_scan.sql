-- sync_offline_scan: record a scan that a gate made without network. The earliest scan wins; the loser is kept and told.
--
-- A scan of the future is taken as of now (a gate's clock may be wrong), one from before the ticket as of its making; of
-- two at the same instant the one that was recorded first wins.
-- The same scan sent again (ticket, scanner, device, time by the gate's clock) gets the same answer and is recorded once.
--   success            this scan is the one that admits
--   conflict_resolved  another scan of this ticket exists, online or from another gate, and one of the two lost
--   already_scanned    the other scan won; scanned_at and scanned_by are the winner's
-- Locks:  the ticket's row.
-- Writes: tickets, scan_logs.
create or replace function ticketing.sync_offline_scan(
  p_ticket_id uuid, p_scanned_by uuid, p_scanned_at timestamptz, p_device_id text default null
) returns table (success boolean, conflict_resolved boolean, already_scanned boolean, scanned_at timestamptz,
                 scanned_by uuid, error_message text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_ticket public.tickets;
  v_scanned_at timestamptz;
  v_device_id text := left(p_device_id, 200);
  v_winner public.scan_logs;
begin
  select * into v_ticket from public.tickets t where t.id = p_ticket_id;
  if not ticketing.may_scan(p_scanned_by, v_ticket.event_id) then
    return query select false, false, false, null::timestamptz, null::uuid, ticketing.refusal_message('FORBIDDEN');
    return;
  elsif p_scanned_at is null then
    return query select false, false, false, null::timestamptz, null::uuid, 'p_scanned_at is needed.';
    return;
  elsif v_ticket.id is null then
    return query select false, false, false, null::timestamptz, null::uuid, ticketing.refusal_message('NOT_FOUND');
    return;
  end if;
  perform ticketing.limit_wait();
  select * into v_ticket from public.tickets t where t.id = p_ticket_id for no key update;
  v_scanned_at := greatest(least(p_scanned_at, clock_timestamp()), v_ticket.created_at);
  select * into v_winner from public.scan_logs s where s.ticket_id = p_ticket_id and s.scan_success;

  if v_ticket.status = 'valid' then
    update public.tickets t set status = 'used', checked_in_at = v_scanned_at, checked_in_by = p_scanned_by
      where t.id = p_ticket_id;
    perform ticketing.log_offline_scan(v_ticket, p_scanned_by, v_device_id, v_scanned_at, p_scanned_at, null);
    return query select true, false, false, v_scanned_at, p_scanned_by, null::text;
  elsif v_ticket.status <> 'used' then
    perform ticketing.log_offline_scan(v_ticket, p_scanned_by, v_device_id, v_scanned_at, p_scanned_at, 'INVALID_STATUS');
    return query select false, false, false, null::timestamptz, null::uuid, ticketing.refusal_message('INVALID_STATUS');
  elsif v_winner.offline and v_winner.claimed_at = p_scanned_at and v_winner.device_id is not distinct from v_device_id
      and v_winner.scanned_by is not distinct from p_scanned_by then
    return query select true, exists (select from public.scan_logs s where s.ticket_id = p_ticket_id
      and s.error_code = 'SUPERSEDED'), false, v_winner.scanned_at, v_winner.scanned_by, null::text;
  elsif v_scanned_at < v_winner.scanned_at then
    update public.scan_logs s set scan_success = false, error_code = 'SUPERSEDED' where s.id = v_winner.id;
    update public.tickets t set checked_in_at = v_scanned_at, checked_in_by = p_scanned_by where t.id = p_ticket_id;
    perform ticketing.log_offline_scan(v_ticket, p_scanned_by, v_device_id, v_scanned_at, p_scanned_at, null);
    return query select true, true, false, v_scanned_at, p_scanned_by, null::text;
  else
    perform ticketing.log_offline_scan(v_ticket, p_scanned_by, v_device_id, v_scanned_at, p_scanned_at, 'ALREADY_USED');
    return query select false, true, true, v_winner.scanned_at, v_winner.scanned_by, ticketing.refusal_message('ALREADY_USED');
  end if;
exception
  -- The second protection, the unique successful scan: what this call wrote is undone.
  when unique_violation then
    return query select false, true, true, s.scanned_at, s.scanned_by, ticketing.refusal_message('ALREADY_USED')
      from public.scan_logs s where s.ticket_id = p_ticket_id and s.scan_success;
  when lock_not_available or deadlock_detected then
    return query select false, false, false, null::timestamptz, null::uuid, ticketing.refusal_message('LOCK_TIMEOUT');
end
$$;

-- log_offline_scan: the scan as a row; a refused one only once, however often it is sent.
create or replace function ticketing.log_offline_scan(
  p_ticket public.tickets, p_scanned_by uuid, p_device_id text, p_scanned_at timestamptz, p_claimed_at timestamptz,
  p_error_code text
) returns void
language sql volatile set search_path = pg_catalog, pg_temp as $$
  insert into public.scan_logs
      (event_id, ticket_id, scanned_by, device_id, scan_method, scan_success, error_code, offline, scanned_at,
       claimed_at)
    select p_ticket.event_id, p_ticket.id, p_scanned_by, p_device_id, 'offline', p_error_code is null, p_error_code, true, p_scanned_at,
      p_claimed_at
    where p_error_code is null or not exists (
      select from public.scan_logs s where s.ticket_id = p_ticket.id and s.offline and s.claimed_at = p_claimed_at
        and s.scanned_by is not distinct from p_scanned_by
        and s.device_id is not distinct from p_device_id)
$$;
