-- Before anything else: one installer at a time, a server that is new enough, and no table of somebody else's.
set local client_min_messages = warning;
set local check_function_bodies = off;
set local search_path = '';
do $lock$ begin perform pg_advisory_xact_lock(hashtextextended('admit-once:install', 0)); end $lock$;

do $prepare$
declare
  v_foreign text;
begin
  if current_setting('server_version_num')::integer < 150000 then
    raise exception 'Admit Once needs PostgreSQL 15 or newer; this is %', current_setting('server_version')
      using errcode = '0A000';
  end if;

  -- Ours knows which migrations it has; an empty one somebody may have made for us.
  if not exists (select from information_schema.columns c
      where c.table_schema = 'ticketing' and c.table_name = 'migrations' and c.column_name = 'name')
    and (exists (select from pg_class c where c.relnamespace = to_regnamespace('ticketing'))
      or exists (select from pg_proc p where p.pronamespace = to_regnamespace('ticketing'))
      or exists (select from pg_type t where t.typnamespace = to_regnamespace('ticketing')))
  then
    raise exception 'the schema ticketing exists and is not Admit Once''s'
      using errcode = '42P06', hint = 'Install into a database of its own, or rename that schema first.';
  end if;
  create schema if not exists ticketing;
  create table if not exists ticketing.migrations (name text primary key, applied_at timestamptz not null default now());
  -- MD5 of what was run, without comments and blanks.
  alter table ticketing.migrations add column if not exists digest text;
  create table if not exists ticketing.tables (name text primary key);
  insert into ticketing.tables select unnest(array['businesses', 'business_staff', 'events', 'ticket_tiers', 'orders',
    'order_items', 'ticket_holds', 'tickets', 'scan_logs', 'idempotency_keys', 'discounts', 'offer_claims', 'slots',
    'reservations', 'vip_reservations', 'webhook_events']) on conflict do nothing;

  if not exists (select from ticketing.migrations) then
    select string_agg(c.relname, ', ' order by c.relname) into v_foreign
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relname in (select name from ticketing.tables);
    if v_foreign is not null then
      raise exception 'these exist in schema public and are not Admit Once''s: %', v_foreign
        using errcode = '42P07', hint = 'Install into a database of its own, or rename them first.';
    end if;
  end if;
end
$prepare$;

-- An older installation may be selling right now. All its tables are taken at once, those first that every sale begins
-- with, and each wait is shorter than deadlock_timeout: where a sale and this wait for each other, this gives up (55P03,
-- nothing is changed, run it again), never a buyer.
set local lock_timeout = '200ms';
do $lock$
declare
  v_table text;
begin
  for v_table in
    select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and (n.nspname = 'ticketing' and c.relname in ('slot_days', 'settings', 'checkout_sessions', 'payments', 'refunds',
        'disputes', 'voids', 'cancellations', 'ledger_entries', 'code_keys')
      or n.nspname = 'public' and c.relname in (select t.name from ticketing.tables t))
    order by c.relname <> 'ticket_tiers', c.relname <> 'events', c.relname
  loop
    execute format('lock table %s in access exclusive mode', v_table);
  end loop;
end
$lock$;
