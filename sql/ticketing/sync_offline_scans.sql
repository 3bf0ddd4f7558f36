-- sync_offline_scans: record what a gate scanned without network, 1 to 500 scans in any order, each judged on its own.
--
-- p_scans is [{ticket_id or code, scanned_at, device_id, scanned_by}, …]; scanned_by is the caller where it is left out.
-- Answers, first that applies:
--   INVALID_REQUEST  no list of 1 to 500, or a value that cannot be one
--   FORBIDDEN        the caller works at no gate of p_business_id
--   LOCK_TIMEOUT     nothing was recorded; send it again
--   success          {success: true, results: [{ticket_id, success, conflict_resolved, already_scanned, scanned_at, scanned_by,
--                    clock_suspect, error, message}, …]}, in the order of p_scans
-- Of the scans of one ticket the earliest is judged first, so that the answers are as they stand at the end.
-- Outcomes and writes: admit_offline, which decides; with p_business_id named, tickets of others are NOT_FOUND.
-- Locks: the tickets, ascending id, in a loop, before anything is judged.
create or replace function ticketing.sync_offline_scans(p_scans jsonb, p_business_id uuid default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_scan record;
  v_results jsonb[];
begin
  if jsonb_typeof(p_scans) is distinct from 'array' or jsonb_array_length(p_scans) not between 1 and 500 then
    return ticketing.refused('INVALID_REQUEST', 'A list of 1 to 500 scans is needed.');
  elsif p_business_id is not null and not v_caller.is_trusted and not exists (
      select from public.business_staff s where s.business_id = p_business_id and s.user_id = v_caller.user_id) then
    return ticketing.refused('FORBIDDEN');
  end if;
  v_results := array_fill(null::jsonb, array[jsonb_array_length(p_scans)]);
  for v_scan in select distinct s.ticket_id from ticketing.read_scans(p_scans) s where s.ticket_id is not null order by 1 loop
    perform ticketing.lock_scanned(v_scan.ticket_id);
  end loop;
  for v_scan in
    select s.place, s.ticket_id, s.scanned_at, coalesce(s.scanned_by, v_caller.user_id) as scanned_by, s.device_id
    from ticketing.read_scans(p_scans) s order by s.scanned_at, s.place
  loop
    v_results[v_scan.place] := ticketing.offline_result(v_scan.ticket_id, ticketing.admit_offline(
      v_scan.ticket_id, v_scan.scanned_by, v_scan.scanned_at, v_scan.device_id, p_business_id));
  end loop;
  return jsonb_build_object('success', true, 'results', to_jsonb(v_results));
exception
  when lock_not_available or deadlock_detected or unique_violation then
    return ticketing.refused('LOCK_TIMEOUT');
  when data_exception then
    return ticketing.refused('INVALID_REQUEST', 'A time or an id of a scan cannot be read.');
end
$$;

-- read_scans: the list as rows; what names no ticket has no ticket_id.
create or replace function ticketing.read_scans(p_scans jsonb)
returns table (place integer, ticket_id uuid, scanned_at timestamptz, scanned_by uuid, device_id text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  -- One look-up a scan, whatever the planner believes about a table that nobody has analyzed.
  select s.place::integer, case
      when s.scan ->> 'ticket_id' is null then (select t.id from public.tickets t where t.qr_code = s.scan ->> 'code')
      when ticketing.is_uuid(s.scan ->> 'ticket_id') then
        (select t.id from public.tickets t where t.id = (s.scan ->> 'ticket_id')::uuid) end,
    (s.scan ->> 'scanned_at')::timestamptz, (s.scan ->> 'scanned_by')::uuid, s.scan ->> 'device_id'
  from jsonb_array_elements(p_scans) with ordinality as s(scan, place)
$$;

create or replace function ticketing.offline_result(p_ticket_id uuid, p_scan record) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return jsonb_build_object('ticket_id', case when p_scan.outcome not in ('NOT_FOUND', 'FORBIDDEN') then p_ticket_id end,
    'success', p_scan.outcome = 'ADMITTED', 'conflict_resolved', p_scan.conflict_resolved,
    'already_scanned', p_scan.outcome = 'ALREADY_USED', 'scanned_at', p_scan.scanned_at, 'scanned_by', p_scan.scanned_by,
    'clock_suspect', p_scan.clock_suspect, 'error', nullif(p_scan.outcome, 'ADMITTED'),
    'message', case when p_scan.outcome = 'INVALID_REQUEST' then 'The time of the scan is needed.'
      when p_scan.outcome <> 'ADMITTED' then ticketing.refusal_message(p_scan.outcome) end);
end
$$;
