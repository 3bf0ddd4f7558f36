-- gate_list: what a gate needs to know about an event's tickets while it has no network: all of them, or those that
-- changed since a cursor that an earlier call gave.
--
-- Answers: EVENT_NOT_FOUND  also for those who do not work for the event's business: they learn nothing
--          {success: true, event, cursor, full, tickets: {valid, used, gone}, read_at}
-- A ticket is the first 8 bytes of the SHA-256 of its code (32 small hex digits), as 11 characters of base64url; a list is
-- these without anything between them. gone: cancelled, refunded, or being refunded. What a call gives stands over what was
-- there before, so that it may be applied twice.
-- The cursor is the oldest transaction that was under way when the tickets were read, in one snapshot with them: what
-- commits later has that number or a higher one, and comes with the next call. A cursor from another life of the database gets
-- everything.
-- Writes: the life, where there is none.
create or replace function ticketing.gate_list(p_event text, p_since text default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_event public.events;
  v_life text;
  v_since xid8;
  v_list jsonb;
begin
  select * into v_event from public.events e where e.id = ticketing.find_event(p_event);
  if v_event.id is null or not v_caller.is_trusted and not ticketing.is_staff(v_caller.user_id, v_event.id) then
    return ticketing.refused('EVENT_NOT_FOUND');
  end if;
  -- Before the tickets are read: a ticket that is deleted after this ends the life that the cursor is of.
  v_life := left(md5(ticketing.transactions_life() || v_event.id), 12);
  v_since := case when p_since ~ ('^' || v_life || '-[0-9]{1,19}$') then split_part(p_since, '-', 2)::xid8 end;
  -- One statement, one snapshot: the cursor is of the tickets that are read beside it.
  select jsonb_build_object(
      'cursor', v_life || '-' || pg_snapshot_xmin(pg_current_snapshot()),
      'tickets', jsonb_build_object(
        'valid', coalesce(string_agg(ticketing.gate_code(t.qr_code), '') filter (where t.status = 'valid'), ''),
        'used', coalesce(string_agg(ticketing.gate_code(t.qr_code), '') filter (where t.status = 'used'), ''),
        'gone', coalesce(string_agg(ticketing.gate_code(t.qr_code), '') filter (where t.status not in ('valid', 'used')), '')))
    into v_list
    from public.tickets t where t.event_id = v_event.id and t.changed_xid >= coalesce(v_since, '0')
      -- Numbers that were restored from another server, which this one has not come to yet, are in the full list alone.
      and (v_since is null or t.changed_xid < pg_snapshot_xmax(pg_current_snapshot()));
  return v_list || jsonb_build_object('success', true, 'full', v_since is null, 'read_at', clock_timestamp(),
    'event', (select jsonb_build_object('id', v_event.id, 'title', v_event.title, 'status', v_event.status,
        'entry_from', coalesce(v_event.entry_from, v_event.start_at - s.entry_before),
        'entry_until', coalesce(v_event.entry_until, v_event.end_at + s.entry_after))
      from ticketing.settings s));
end
$$;

-- gate_code: a ticket in a gate's list. It tells a code that is there, and cannot be turned back into one.
create or replace function ticketing.gate_code(p_code text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select translate(rtrim(encode(substring(sha256(convert_to(p_code, 'UTF8')) for 8), 'base64'), '='), '+/', '-_')
$$;

-- transactions_life: in which life of the database transactions are numbered. What was restored, rewound or promoted gives the
-- same numbers again, and it was started at another time than the one that gave them first; so was one that was only restarted.
-- What PostgreSQL restarts by itself after a crash keeps that time, but not what is in transaction_lives.
create or replace function ticketing.transactions_life() returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_id uuid := (select l.id from ticketing.transaction_lives l);
begin
  if v_id is null then
    insert into ticketing.transaction_lives default values on conflict do nothing;
    v_id := (select l.id from ticketing.transaction_lives l);
  end if;
  return concat_ws(' ', extract(epoch from pg_postmaster_start_time()), v_id,
    (select d.oid from pg_catalog.pg_database d where d.datname = current_database()));
end
$$;
