-- double_admissions: every entry that a gate without network gave and that was one too many, with both scans. One row for
-- each scan that opened a gate beside the one that counts. A ticket of another event that this one's gate let in is here too, and
-- in the other's report. What staff undid is in none, except where two had been let in when they did: that stays, as the other,
-- with undone_at, undone_by and reason.
--   counted  the scan that counts; null where the ticket did not admit at all: cancelled, refunded or being refunded, or
--            valid, for another evening
--   other    the scan that opened a gate besides
-- A scan: {id, scan_id, scanned_at, claimed_at, recorded_at, scanned_by, synced_by, device_id, offline, clock_suspect, disbelieved,
-- gate_event_id, error_code}.
-- No rows for those who do not work for the event's business.
create or replace function ticketing.double_admissions(p_event_id uuid)
returns table (ticket_id uuid, status text, counted jsonb, other jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record := ticketing.caller();
begin
  if not v_caller.is_trusted and not ticketing.is_staff(v_caller.user_id, p_event_id) then
    return;
  end if;
  return query
    select t.id, t.status::text, case when c.id is not null then ticketing.scan_facts(c) end,
      ticketing.scan_facts(o) || case when o.error_code = 'UNDONE' then ticketing.undo_facts(o.id) else '{}' end
    from public.scan_logs o
    join public.tickets t on t.id = o.ticket_id
    left join public.scan_logs c on c.ticket_id = o.ticket_id and c.scan_success
    -- An offline gate opens before it is judged; an online one opened where it was judged so, and beaten later. The other event's
    -- twice: each line is the condition of one partial index.
    where (o.event_id = p_event_id or o.gate_event_id = p_event_id and o.error_code = 'WRONG_EVENT'
        or o.gate_event_id = p_event_id and o.error_code = 'UNDONE')
      and not o.scan_success and (o.offline and o.error_code <> 'UNDONE' or o.error_code = 'SUPERSEDED'
        or o.error_code = 'UNDONE' and exists (select from public.scan_logs u where u.undoes = o.id and u.was_double))
    order by o.recorded_at, o.id;
end
$$;

create or replace function ticketing.scan_facts(p_scan public.scan_logs) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('id', p_scan.id, 'scan_id', p_scan.scan_id, 'scanned_at', p_scan.scanned_at, 'claimed_at', p_scan.claimed_at,
    'recorded_at', p_scan.recorded_at, 'scanned_by', p_scan.scanned_by, 'synced_by', p_scan.synced_by,
    'device_id', p_scan.device_id, 'offline', p_scan.offline, 'clock_suspect', p_scan.clock_suspect, 'disbelieved', p_scan.disbelieved,
    'gate_event_id', p_scan.gate_event_id, 'error_code', p_scan.error_code)
$$;

create or replace function ticketing.undo_facts(p_scan_id uuid) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('undone_at', u.scanned_at, 'undone_by', u.scanned_by, 'reason', u.reason)
    from public.scan_logs u where u.undoes = p_scan_id
$$;
