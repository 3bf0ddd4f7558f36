-- admit_offline: whether a scan that a gate made without network is the one that admits. The one place that decides about
-- these; the caller has the ticket's lock.
--
-- Outcomes, first that applies:
--   FORBIDDEN        a signed-in caller names somebody else as the one who scanned, or works at no gate
--   NOT_FOUND        no such ticket, or one of somebody else's event, or of another business than p_business_id
--   INVALID_REQUEST  no time
--   ADMITTED         it is the earliest; scanned_at and scanned_by are this scan's
--   INVALID_STATUS   cancelled, refunded or being refunded
--   ALREADY_USED     another scan is earlier; scanned_at and scanned_by are that one's
-- conflict_resolved: there is another scan, and one of the two lost. Of two at the same instant the one that was recorded
-- first wins.
-- clock_suspect: a scan of the future counts as of now, one from before the ticket as of its making, one older than
-- ticketing.settings.offline_scan_age as of that long ago.
-- A scan is one row, however often it is sent: ticket, scanner, device and the time by the gate's clock tell which one it is. Sent
-- again it gets the same answer, unless what it was told has changed since.
-- Writes: tickets, scan_logs: every judged scan of a ticket, the refused ones too.
create or replace function ticketing.admit_offline(
  p_ticket_id uuid, p_scanned_by uuid, p_scanned_at timestamptz, p_device_id text, p_business_id uuid default null,
  out outcome text, out conflict_resolved boolean, out scanned_at timestamptz, out scanned_by uuid, out clock_suspect boolean)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_device_id text := left(p_device_id, 200);
  v_ticket public.tickets;
  v_own public.scan_logs;
  v_winner public.scan_logs;
  v_at timestamptz;
begin
  conflict_resolved := false;
  clock_suspect := false;
  select * into v_ticket from public.tickets t where t.id = p_ticket_id;
  outcome := coalesce(ticketing.scan_refusal(p_scanned_by, v_ticket.event_id), case
    when v_ticket.id is null then 'NOT_FOUND'
    when p_business_id <> (select e.business_id from public.events e where e.id = v_ticket.event_id) then 'NOT_FOUND'
    when p_scanned_at is null then 'INVALID_REQUEST' end);
  if outcome is not null then
    return;
  end if;
  select * into v_winner from public.scan_logs s where s.ticket_id = p_ticket_id and s.scan_success;
  select * into v_own from public.scan_logs s where s.ticket_id = p_ticket_id and s.offline and s.claimed_at = p_scanned_at
    and s.scanned_by is not distinct from p_scanned_by and s.device_id is not distinct from v_device_id;
  v_at := coalesce(v_own.scanned_at, ticketing.believed(p_scanned_at, v_ticket.created_at));
  clock_suspect := v_at <> p_scanned_at;

  outcome := case
    when v_own.id = v_winner.id then 'ADMITTED'
    when v_ticket.status not in ('valid', 'used') then 'INVALID_STATUS'
    when v_ticket.status = 'valid' or v_at < v_winner.scanned_at then 'ADMITTED'
    else 'ALREADY_USED' end;
  if v_own.id = v_winner.id then
    conflict_resolved := exists (
      select from public.scan_logs s where s.ticket_id = p_ticket_id and s.error_code = 'SUPERSEDED');
  else
    conflict_resolved := outcome <> 'INVALID_STATUS' and v_winner.id is not null;
    if not ticketing.write_offline_scan(v_ticket, v_own.id, outcome, v_at, p_scanned_by, v_device_id, p_scanned_at) then
      outcome := 'ALREADY_USED';
      select * into v_winner from public.scan_logs s where s.ticket_id = p_ticket_id and s.scan_success;
    end if;
  end if;
  if outcome = 'ADMITTED' then
    scanned_at := v_at;
    scanned_by := p_scanned_by;
  elsif outcome = 'ALREADY_USED' then
    scanned_at := v_winner.scanned_at;
    scanned_by := v_winner.scanned_by;
  end if;
end
$$;

-- write_offline_scan: the scan as its one row and, where it admits, the ticket as its own and the scan that it beats as
-- beaten. False where the second protection, the unique successful scan, knows another winner: it is that one's then.
create or replace function ticketing.write_offline_scan(
  p_ticket public.tickets, p_own_id uuid, p_outcome text, p_at timestamptz, p_scanned_by uuid, p_device_id text,
  p_claimed_at timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_admits boolean := p_outcome = 'ADMITTED';
begin
  if v_admits then
    update public.tickets t set status = 'used', checked_in_at = p_at, checked_in_by = p_scanned_by where t.id = p_ticket.id;
    update public.scan_logs s set scan_success = false, error_code = 'SUPERSEDED'
      where s.ticket_id = p_ticket.id and s.scan_success and p_ticket.status = 'used';
  end if;
  if p_own_id is not null then
    update public.scan_logs s set scan_success = v_admits, error_code = nullif(p_outcome, 'ADMITTED')
      where s.id = p_own_id and (v_admits or s.error_code = 'INVALID_STATUS');
    return true;
  end if;
  insert into public.scan_logs (event_id, ticket_id, scanned_by, device_id, scan_method, scan_success, error_code, offline,
      scanned_at, claimed_at, clock_suspect)
    values (p_ticket.event_id, p_ticket.id, p_scanned_by, p_device_id, 'offline', v_admits, nullif(p_outcome, 'ADMITTED'), true,
      p_at, p_claimed_at, p_at <> p_claimed_at)
    on conflict do nothing;
  if found then
    return true;
  end if;
  -- Written back, not raised: what is undone while other gates wait for the row is PostgreSQL's XX000 now and then.
  update public.tickets t set checked_in_at = s.scanned_at, checked_in_by = s.scanned_by
    from public.scan_logs s where t.id = p_ticket.id and s.ticket_id = p_ticket.id and s.scan_success;
  perform ticketing.write_offline_scan(p_ticket, null, 'ALREADY_USED', p_at, p_scanned_by, p_device_id, p_claimed_at);
  return false;
end
$$;

-- believed: the moment that a gate's clock can have meant.
create or replace function ticketing.believed(p_scanned_at timestamptz, p_created_at timestamptz) returns timestamptz
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select greatest(least(p_scanned_at, clock_timestamp()), p_created_at, clock_timestamp() - s.offline_scan_age)
  from ticketing.settings s
$$;
