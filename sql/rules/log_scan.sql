-- log_scan: a scan as its one row, the only place that writes one. False where a unique index knows better: another scan has
-- admitted, or this one of nothing of ours was told before.
-- Writes: scan_logs.
create or replace function ticketing.log_scan(p_scan public.scan_logs) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into public.scan_logs (event_id, business_id, ticket_id, claim_id, reservation_id, presented_id, presented_hash,
      scanned_by, device_id, scan_id, scan_method, scan_success, error_code, offline, scanned_at, claimed_at, clock_suspect,
      synced_by, gate_event_id, disbelieved, undoes, reason, was_double)
    values (p_scan.event_id, coalesce(p_scan.business_id, (select e.business_id from public.events e where e.id = p_scan.event_id)),
      p_scan.ticket_id, p_scan.claim_id, p_scan.reservation_id,
      p_scan.presented_id, p_scan.presented_hash, p_scan.scanned_by, p_scan.device_id, p_scan.scan_id, p_scan.scan_method,
      p_scan.scan_success, p_scan.error_code, coalesce(p_scan.offline, false), p_scan.scanned_at, p_scan.claimed_at,
      coalesce(p_scan.clock_suspect, false), p_scan.synced_by, p_scan.gate_event_id, p_scan.disbelieved, p_scan.undoes,
      p_scan.reason, p_scan.was_double)
    on conflict do nothing;
  return found;
end
$$;

-- log_judged_scan: log_scan for a scan that a gate may send again because its answer was lost: told the same, it is written once.
create or replace function ticketing.log_judged_scan(p_scan public.scan_logs) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return not ticketing.was_judged(p_scan, array[p_scan.error_code, 'SUPERSEDED', 'UNDONE']) and ticketing.log_scan(p_scan);
end
$$;

-- was_undone: whether staff undid this very scan.
create or replace function ticketing.was_undone(p_scan public.scan_logs) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.was_judged(p_scan, '{UNDONE}');
end
$$;

-- was_judged: whether the log has this very scan with one of these codes; never where it has no id. Three queries in one: a
-- condition that finds a ticket's scans, a claim's or a booking's is no index condition. Volatile: asked under a lock, it sees what
-- was committed while that was awaited.
create or replace function ticketing.was_judged(p_scan public.scan_logs, p_codes text[]) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return p_scan.scan_id is not null and exists (
    select from (
      select s as scan from public.scan_logs s where s.ticket_id = p_scan.ticket_id
      union all
      select s from public.scan_logs s where s.claim_id = p_scan.claim_id
      union all
      select s from public.scan_logs s where s.reservation_id = p_scan.reservation_id) k
    where (k.scan).error_code = any (p_codes) and ticketing.is_same_scan(k.scan, p_scan.scan_id, p_scan.device_id));
end
$$;

-- log_unknown_scan: log_scan for what is nothing of ours, under the business at whose gate it was shown, so that a forged entry
-- can be seen.
create or replace function ticketing.log_unknown_scan(p_scan public.scan_logs, p_outcome text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  p_scan.scan_success := false;
  p_scan.error_code := p_outcome;
  p_scan.scanned_at := clock_timestamp();
  perform ticketing.log_scan(p_scan);
end
$$;

-- restore_winner: a ticket as the scan that admitted left it, after one that the unique successful scan refused has written to
-- it. To raise and undo the block instead, while other gates wait for the row, makes PostgreSQL 18.4 now and then fail with
-- XX000 (a multixact of two updaters).
-- Writes: tickets.
create or replace function ticketing.restore_winner(p_ticket_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update public.tickets t set checked_in_at = s.scanned_at, checked_in_by = s.scanned_by
    from public.scan_logs s where t.id = p_ticket_id and s.ticket_id = p_ticket_id and s.scan_success;
end
$$;
