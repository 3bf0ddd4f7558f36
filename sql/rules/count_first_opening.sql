-- count_first_opening: a ticket whose scans changed is used by the first of those that opened a gate, and valid where none did.
-- Answers that scan. What was undone, or shown at another event's gate, opened nothing that counts.
-- Locks:  none; the caller has the ticket's row.
-- Writes: tickets, scan_logs.
create or replace function ticketing.count_first_opening(p_ticket_id uuid) returns public.scan_logs
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_scan public.scan_logs;
begin
  select * into v_scan from public.scan_logs s
    where s.ticket_id = p_ticket_id and (s.offline or s.scan_success or s.error_code = 'SUPERSEDED')
      and (s.error_code is null or s.error_code not in ('UNDONE', 'WRONG_EVENT'))
    order by ticketing.is_only_claimed(s), s.scanned_at, s.scan_success desc, s.recorded_at, s.claimed_at limit 1;
  update public.scan_logs s set scan_success = false, error_code = 'SUPERSEDED'
    where s.ticket_id = p_ticket_id and s.scan_success and s.id <> v_scan.id;
  update public.scan_logs s set scan_success = true, error_code = null where s.id = v_scan.id and not s.scan_success;
  update public.tickets t set status = case when v_scan.id is null then 'valid' else 'used' end,
      checked_in_at = v_scan.scanned_at, checked_in_by = v_scan.scanned_by
    where t.id = p_ticket_id;
  return v_scan;
end
$$;

-- touch_ticket: against write skew. An opening that leaves its ticket as it is writes the ticket's row all the same, so that who
-- counts openings with an older snapshot is told to retry (40001). Its status did not change: no gate's list tells of it.
-- Writes: tickets.
create or replace function ticketing.touch_ticket(p_ticket_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update public.tickets t set checked_in_at = t.checked_in_at where t.id = p_ticket_id;
end
$$;
