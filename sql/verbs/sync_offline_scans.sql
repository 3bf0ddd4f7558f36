-- sync_offline_scans: record what a gate scanned without network, 1 to 500 scans in any order, each judged on its own.
--
-- p_scans is [{ticket_id or code, scanned_at, device_id, scan_id, scanned_by, presented}, …]; scanned_at is ISO 8601 with its
-- offset; scanned_by is the caller where it is left out, and may be a colleague; presented is the SHA-256 of what was read,
-- that of the code where it is left out.
-- Answers, first that applies:
--   INVALID_REQUEST  no list of 1 to 500, or no such business
--   FORBIDDEN        the caller works at no gate of p_business_id
--   LOCK_TIMEOUT     nothing was recorded; send it again
--   success          {success: true, results: [{ticket_id, success, conflict_resolved, already_scanned, scanned_at, scanned_by,
--                    clock_suspect, error, message}, …]}, in the order of p_scans; INVALID_REQUEST for what cannot be read
-- Of the scans of one ticket the first is judged first, so that the answers are as they stand at the end.
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
  elsif p_business_id is not null and not v_caller.is_trusted
      and not ticketing.works_for(v_caller.user_id, p_business_id) then
    return ticketing.refused('FORBIDDEN');
  elsif p_business_id is not null and not exists (select from public.businesses b where b.id = p_business_id) then
    return ticketing.refused('INVALID_REQUEST', 'There is no such business.');
  end if;
  v_results := array_fill(null::jsonb, array[jsonb_array_length(p_scans)]);
  for v_scan in
    select distinct s.ticket_id from ticketing.read_scans(p_scans) s
    where s.problem is null
      and ticketing.offline_refusal(s.ticket_id, coalesce(s.scanned_by, v_caller.user_id), p_business_id) is null
    order by s.ticket_id
  loop
    perform ticketing.lock_scanned(v_scan.ticket_id);
  end loop;
  for v_scan in
    select s.*, coalesce(s.scanned_by, v_caller.user_id) as scanner_id from ticketing.read_scans(p_scans) s
    order by ticketing.is_claimed(s.scanned_at, (select t.created_at from public.tickets t where t.id = s.ticket_id)),
      s.scanned_at, s.place
  loop
    v_results[v_scan.place] := case when v_scan.problem is null then
        ticketing.offline_result(v_scan.ticket_id, ticketing.admit_offline(v_scan.ticket_id, v_scan.scanner_id,
          v_scan.scanned_at, v_scan.device_id, p_business_id, v_scan.scan_id, v_scan.presented_hash))
      else ticketing.unreadable_scan(v_scan.problem) end;
  end loop;
  return jsonb_build_object('success', true, 'results', to_jsonb(v_results));
exception when lock_not_available or deadlock_detected or unique_violation then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- read_scans: the list as rows. A code that is no ticket's has no ticket_id; problem says why a scan cannot be read.
create or replace function ticketing.read_scans(p_scans jsonb)
returns table (place integer, ticket_id uuid, scanned_at timestamptz, scanned_by uuid, device_id text, scan_id text,
  presented_hash text, problem text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_scan record;
begin
  for v_scan in select e.scan, e.place::integer from jsonb_array_elements(p_scans) with ordinality as e(scan, place) loop
    place := v_scan.place;
    ticket_id := ticketing.read_uuid(v_scan.scan ->> 'ticket_id');
    scanned_at := ticketing.read_time(v_scan.scan ->> 'scanned_at');
    scanned_by := ticketing.read_uuid(v_scan.scan ->> 'scanned_by');
    device_id := v_scan.scan ->> 'device_id';
    scan_id := v_scan.scan ->> 'scan_id';
    presented_hash := null;
    problem := case
      when v_scan.scan ->> 'ticket_id' is null and v_scan.scan ->> 'code' is null then 'A scan needs a code or a ticket id.'
      when ticket_id is null and v_scan.scan ->> 'ticket_id' is not null then 'The ticket id cannot be read.'
      when scanned_by is null and v_scan.scan ->> 'scanned_by' is not null then 'The id of who scanned cannot be read.'
      when length(scan_id) not between 1 and 255 then 'A scan id has 1 to 255 characters.'
      when scanned_at is null then 'A scan needs its time, in ISO 8601 with its offset.' end;
    if v_scan.scan ->> 'code' is not null then
      presented_hash := coalesce(substring(v_scan.scan ->> 'presented' from '^[0-9a-f]{64}$'),
        encode(sha256(convert_to(v_scan.scan ->> 'code', 'UTF8')), 'hex'));
      problem := coalesce(problem, case when ticket_id <> (
          select t.id from public.tickets t where t.qr_code = v_scan.scan ->> 'code')
        then 'The code and the ticket id are of two tickets.' end);
      ticket_id := (select t.id from public.tickets t where t.qr_code = v_scan.scan ->> 'code');
    end if;
    return next;
  end loop;
end
$$;

-- read_uuid, read_time: null for what is none. PostgreSQL's own reading takes words for times, like now and infinity.
create or replace function ticketing.read_uuid(p_text text) returns uuid
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return case when ticketing.is_uuid(p_text) then p_text::uuid end;
end
$$;

create or replace function ticketing.read_time(p_text text) returns timestamptz
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return substring(p_text from '^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$')::timestamptz;
-- A day that no month has, an hour that no day has.
exception when data_exception then
  return null;
end
$$;

create or replace function ticketing.unreadable_scan(p_problem text) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return jsonb_build_object('ticket_id', null, 'success', false, 'conflict_resolved', false, 'already_scanned', false,
    'scanned_at', null, 'scanned_by', null, 'clock_suspect', false, 'error', 'INVALID_REQUEST', 'message', p_problem);
end
$$;

create or replace function ticketing.offline_result(p_ticket_id uuid, p_scan record) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return jsonb_build_object('ticket_id', case when p_scan.outcome not in ('NOT_FOUND', 'FORBIDDEN') then p_ticket_id end,
    'success', p_scan.outcome = 'ADMITTED', 'conflict_resolved', p_scan.conflict_resolved,
    'already_scanned', p_scan.outcome = 'ALREADY_USED', 'scanned_at', p_scan.scanned_at, 'scanned_by', p_scan.scanned_by,
    'clock_suspect', p_scan.clock_suspect, 'error', nullif(p_scan.outcome, 'ADMITTED'),
    'message', case when p_scan.outcome <> 'ADMITTED' then ticketing.scan_message(p_scan.outcome) end);
end
$$;
