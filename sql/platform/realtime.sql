-- What Supabase Realtime brings and plain PostgreSQL lacks: messages that SQL sends, whose row level security says who may listen to a
-- private channel and who may send there. Made only where it is missing.

do $platform$
begin
  if to_regnamespace('realtime') is not null then
    return;
  end if;
  create schema realtime;
  grant usage on schema realtime to anon, authenticated, service_role;

  create table realtime.messages (
    id uuid primary key default gen_random_uuid(),
    topic text not null,
    extension text not null default 'broadcast',
    event text,
    payload jsonb,
    private boolean not null default false,
    inserted_at timestamptz not null default now()
  );
  comment on table realtime.messages is 'Admit Once';
  create index messages_inserted_at_idx on realtime.messages (inserted_at);
  alter table realtime.messages enable row level security;
  revoke all on realtime.messages from public, anon, authenticated, service_role;
  grant select, insert on realtime.messages to anon, authenticated, service_role;

  -- The channel that a policy is asked about.
  create function realtime.topic() returns text language sql stable set search_path = pg_catalog, pg_temp as $fn$
    select nullif(current_setting('realtime.topic', true), '')
  $fn$;

  -- Sends to whoever has joined the topic, once the transaction commits.
  create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $fn$
  begin
    insert into realtime.messages (payload, event, topic, private, extension)
      values (payload, event, topic, private, 'broadcast');
  end
  $fn$;

  -- For triggers: sends what became of a row.
  create function realtime.broadcast_changes(topic_name text, event_name text, operation text, table_name text, table_schema text,
    new record, old record, level text default 'ROW') returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $fn$
  begin
    perform realtime.send(jsonb_build_object('schema', table_schema, 'table', table_name, 'operation', operation,
      'record', to_jsonb(new), 'old_record', to_jsonb(old)), event_name, topic_name, true);
  end
  $fn$;
  revoke execute on function realtime.send(jsonb, text, text, boolean),
    realtime.broadcast_changes(text, text, text, text, text, record, record, text) from public;
  grant execute on function realtime.send(jsonb, text, text, boolean) to service_role;
end
$platform$;
