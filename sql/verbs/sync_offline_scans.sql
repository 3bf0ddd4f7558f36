-- sync_offline_scans: record what a gate scanned without network, 1 to 500 scans in any order, each judged on its own.
--
-- p_scans is [{code or ticket_id, mistyped, scanned_at, device_id, scan_id, scanned_by, event, presented}, …]; mistyped lists what else
-- the code may be, 4 at most, where no ticket has it as it stands; scanned_at is ISO 8601 with its
-- offset; scanned_by is the caller where it is left out, and may be a colleague; event is the id or slug of the event at whose
-- gate it was; presented is the SHA-256 of what was read, that of the code where it is left out. A code that is no 32 hex digits
-- is UNREADABLE.
-- The gate has opened, so that whatever names a ticket is kept: what else cannot be read or believed is left out and listed in
-- `disbelieved`; a scan without a time counts as of now.
-- Answers, first that applies:
--   INVALID_REQUEST  no list of 1 to 500, or no such business
--   FORBIDDEN        the caller works at no gate of p_business_id
--   LOCK_TIMEOUT     nothing was recorded; send it again
--   success          {success: true, results: [{ticket_id, success, conflict_resolved, already_scanned, scanned_at, scanned_by,
--                    clock_suspect, disbelieved, error, message, event?}, …]}, in the order of p_scans; INVALID_REQUEST for what names
--                    nothing; with WRONG_EVENT the event that the ticket is of
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
    where s.ticket_id is not null and ticketing.offline_refusal(s.ticket_id, p_business_id) is null
    order by s.ticket_id
  loop
    perform ticketing.lock_scanned(v_scan.ticket_id);
  end loop;
  for v_scan in
    select s.place, s.ticket_id, s.told, s.names_nothing from ticketing.read_scans(p_scans) s
    order by coalesce(ticketing.is_claimed((s.told).claimed_at,
        (select t.created_at from public.tickets t where t.id = s.ticket_id)), false),
      coalesce((s.told).claimed_at, 'infinity'), s.place
  loop
    v_results[v_scan.place] := case when v_scan.names_nothing then ticketing.unreadable_scan()
      else ticketing.offline_result(v_scan.ticket_id, ticketing.admit_offline(v_scan.ticket_id, v_scan.told, p_business_id)) end;
  end loop;
  return jsonb_build_object('success', true, 'results', to_jsonb(v_results));
exception when lock_not_available or deadlock_detected or unique_violation then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- read_scans: the list as rows. What names no ticket of ours has no ticket_id, and is told by its hash.
create or replace function ticketing.read_scans(p_scans jsonb)
returns table (place integer, ticket_id uuid, told public.scan_logs, names_nothing boolean)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_scan jsonb;
  v_named text;
  v_text text;
begin
  for v_scan, place in select e.scan, e.place from jsonb_array_elements(p_scans) with ordinality as e(scan, place) loop
    told := null;
    v_named := v_scan ->> 'ticket_id';
    v_text := coalesce(v_scan ->> 'code', v_named);
    names_nothing := v_text is null;
    told.presented_hash := coalesce(substring(v_scan ->> 'presented' from '^[0-9a-f]{64}$'),
      encode(sha256(convert_to(v_text, 'UTF8')), 'hex'));
    -- What was read tells whose ticket it is; where that is none of ours, the id.
    ticket_id := coalesce((select t.id from public.tickets t where t.qr_code = v_scan ->> 'code'),
      ticketing.mistyped_ticket(v_scan -> 'mistyped'), ticketing.read_uuid(v_named));
    if ticket_id is null and v_scan ->> 'code' is not null and not ticketing.is_code(v_scan ->> 'code') then
      told.error_code := 'UNREADABLE';
    end if;
    if ticket_id is not null and v_scan ->> 'code' is null then
      told.presented_hash := null;
    end if;
    told.claimed_at := ticketing.read_time(v_scan ->> 'scanned_at');
    told.scanned_by := ticketing.read_uuid(v_scan ->> 'scanned_by');
    told.gate_event_id := ticketing.find_event(v_scan ->> 'event');
    told.device_id := left(v_scan ->> 'device_id', 200);
    told.scan_id := ticketing.kept_scan_id(v_scan ->> 'scan_id');
    told.disbelieved := nullif(
      case when told.claimed_at is null then jsonb_build_object('scanned_at', left(v_scan ->> 'scanned_at', 100)) else '{}' end
      || case when told.scanned_by is null and v_scan ->> 'scanned_by' is not null
        then jsonb_build_object('scanned_by', left(v_scan ->> 'scanned_by', 100)) else '{}' end
      || case when told.gate_event_id is null and v_scan ->> 'event' is not null
        then jsonb_build_object('event', left(v_scan ->> 'event', 100)) else '{}' end
      || case when v_named is not null and ticket_id::text is distinct from lower(v_named)
        then jsonb_build_object('ticket_id', left(v_named, 100)) else '{}' end, '{}');
    return next;
  end loop;
end
$$;

-- mistyped_ticket: the one ticket among what keyboards may have made of a code. A code is too long to be another one's by chance.
create or replace function ticketing.mistyped_ticket(p_codes jsonb) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_codes text[];
begin
  if jsonb_typeof(p_codes) is distinct from 'array' or jsonb_array_length(p_codes) not between 1 and 4 then
    return null;
  end if;
  v_codes := array(select jsonb_array_elements_text(p_codes));
  return (select case when count(*) = 1 then (array_agg(t.id))[1] end from public.tickets t where t.qr_code = any (v_codes));
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

create or replace function ticketing.unreadable_scan() returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return jsonb_build_object('ticket_id', null, 'success', false, 'conflict_resolved', false, 'already_scanned', false,
    'scanned_at', null, 'scanned_by', null, 'clock_suspect', false, 'disbelieved', '[]'::jsonb, 'error', 'INVALID_REQUEST',
    'message', 'A scan needs a code or a ticket id.');
end
$$;

create or replace function ticketing.offline_result(p_ticket_id uuid, p_scan record) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return jsonb_build_object('ticket_id', case when p_scan.outcome not in ('NOT_FOUND', 'FORBIDDEN') then p_ticket_id end,
    'success', p_scan.outcome = 'ADMITTED', 'conflict_resolved', p_scan.conflict_resolved,
    'already_scanned', p_scan.outcome = 'ALREADY_USED', 'scanned_at', p_scan.scanned_at, 'scanned_by', p_scan.scanned_by,
    'clock_suspect', p_scan.clock_suspect, 'disbelieved', array(select jsonb_object_keys(p_scan.disbelieved)),
    'error', nullif(p_scan.outcome, 'ADMITTED'),
    'message', case when p_scan.outcome <> 'ADMITTED' then ticketing.scan_message(p_scan.outcome) end)
    || case when p_scan.outcome = 'WRONG_EVENT' then (
      select jsonb_build_object('event', jsonb_build_object('id', e.id, 'title', e.title, 'start_at', e.start_at))
      from public.tickets t join public.events e on e.id = t.event_id where t.id = p_ticket_id) else '{}' end;
end
$$;
