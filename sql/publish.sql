-- What subscribers hear of: the publication that Supabase Realtime reads, and ours where there is none. Keys of requests and the
-- provider's events are nobody's to hear.
do $publish$
declare
  v_table text;
begin
  -- Without logical replication it warns that nobody can listen; start says that too.
  perform set_config('client_min_messages', 'error', true);
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
  for v_table in
    select format('public.%I', t.name) from ticketing.tables t where t.name not in ('idempotency_keys', 'webhook_events')
    union all select 'realtime.messages' where obj_description(to_regclass('realtime.messages'), 'pg_class') = 'Admit Once'
    except select format('%I.%I', p.schemaname, p.tablename) from pg_publication_tables p where p.pubname = 'supabase_realtime'
  loop
    execute format('alter publication supabase_realtime add table %s', v_table);
  end loop;
  perform set_config('client_min_messages', 'warning', true);
exception when insufficient_privilege then
  raise warning 'subscribers hear of no changes: no right to make the publication supabase_realtime'
    using hint = 'Grant CREATE on the database, or let its owner run this.';
end
$publish$;
