/** A check of the catalogues as Supabase's advisors make it. Its rows are what it objects to. */
export interface Lint {
  readonly sql: string
  /** Makes something that it objects to, and what it then says of that. */
  readonly spoil: string
  readonly finds: string
}

const OURS = `('public', 'ticketing')`
const API_ROLES = `array['anon', 'authenticated']`
const policies = (condition: string) =>
  `select tablename || '.' || policyname as object from pg_policies where schemaname in ${OURS} and (${condition})`
const functions = (condition: string) =>
  `select p.oid::regprocedure::text as object from pg_proc p where p.pronamespace::regnamespace::text in ${OURS} and (${condition})`
const relations = (kinds: string, condition: string, schemas = OURS) =>
  `select c.relname as object from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ${schemas} and c.relkind in (${kinds}) and (${condition})`

/** A call that is not wrapped in a select is made again for each row. */
const unwrapped = (text: string) =>
  `regexp_replace(lower(coalesce(${text}, '')), 'select (auth\\.\\w+|current_setting)\\(', '', 'g') ~ '(auth\\.\\w+|current_setting)\\('`

/** By the names that Supabase gives them. */
export const LINTS: Readonly<Record<string, Lint>> = {
  '0001 unindexed_foreign_keys': {
    sql: `select c.conrelid::regclass || '.' || c.conname as object from pg_constraint c
      where c.contype = 'f' and c.connamespace::regnamespace::text in ${OURS} and not exists (
        select from pg_index i where i.indrelid = c.conrelid and i.indisvalid
          and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)`,
    spoil:
      'create table public.spoilt (id integer primary key, event_id uuid references public.events (id)); grant all on public.spoilt to anon',
    finds: 'spoilt.spoilt_event_id_fkey',
  },
  '0003 auth_rls_initplan': {
    sql: policies(`${unwrapped('qual')} or ${unwrapped('with_check')}`),
    spoil: `create policy spoilt on public.orders for update to anon using (user_id = auth.uid())`,
    finds: 'orders.spoilt',
  },
  '0004 no_primary_key': {
    sql: relations(
      `'r', 'p'`,
      `not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`,
    ),
    spoil: 'create table ticketing.spoilt (id integer)',
    finds: 'spoilt',
  },
  '0006 multiple_permissive_policies': {
    sql: `select p.tablename || ' ' || r.role || ' ' || a.action as object from pg_policies p, unnest(p.roles) as r(role),
        unnest(case p.cmd when 'ALL' then array['SELECT', 'INSERT', 'UPDATE', 'DELETE'] else array[p.cmd] end) as a(action)
      where p.schemaname in ${OURS} and p.permissive = 'PERMISSIVE' group by 1, p.tablename, r.role, a.action having count(*) > 1`,
    spoil: `create policy spoilt on public.orders for select to authenticated using (false)`,
    finds: 'orders authenticated SELECT',
  },
  '0007 policy_exists_rls_disabled': {
    sql: relations(
      `'r', 'p'`,
      `not c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid)`,
    ),
    spoil: 'alter table public.orders disable row level security',
    finds: 'orders',
  },
  '0008 rls_enabled_no_policy': {
    sql: relations(
      `'r', 'p'`,
      `c.relrowsecurity and not exists (select from pg_policy p where p.polrelid = c.oid)`,
    ),
    spoil: 'alter table ticketing.settings enable row level security',
    finds: 'settings',
  },
  '0009 duplicate_index': {
    sql: `select string_agg(indexname, ', ' order by indexname) as object from pg_indexes where schemaname in ${OURS}
      group by schemaname, tablename, replace(indexdef, indexname, '') having count(*) > 1`,
    spoil: 'create index spoilt on public.events (business_id)',
    finds: 'idx_events_business, spoilt',
  },
  '0010 security_definer_view': {
    sql: relations(
      `'v'`,
      `not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)`,
      `('public')`,
    ),
    spoil: 'create view public.spoilt as select 1 as one',
    finds: 'spoilt',
  },
  '0011 function_search_path_mutable': {
    sql: functions(
      `not exists (select from unnest(p.proconfig) as s(setting) where s.setting like 'search_path=%')`,
    ),
    spoil: 'create function ticketing.spoilt() returns integer language sql return 1',
    finds: 'ticketing.spoilt()',
  },
  '0013 rls_disabled_in_public': {
    sql: relations(
      `'r', 'p'`,
      `not c.relrowsecurity and exists (select from unnest(${API_ROLES}) as r(role)
        where has_any_column_privilege(r.role, c.oid, 'select, insert, update') or has_table_privilege(r.role, c.oid, 'delete'))`,
      `('public')`,
    ),
    spoil: 'create table public.spoilt (id integer primary key); grant select on public.spoilt to anon',
    finds: 'spoilt',
  },
  '0014 extension_in_public': {
    sql: `select extname as object from pg_extension where extnamespace = 'public'::regnamespace`,
    spoil: 'create extension pg_stat_statements schema public',
    finds: 'pg_stat_statements',
  },
  '0015 rls_references_user_metadata': {
    sql: policies(`qual ~ 'user_metadata' or with_check ~ 'user_metadata'`),
    spoil: `create policy spoilt on public.orders for update to anon using ((select auth.jwt()) -> 'user_metadata' is null)`,
    finds: 'orders.spoilt',
  },
  '0016 materialized_view_in_api': {
    sql: relations(
      `'m'`,
      `has_table_privilege('anon', c.oid, 'select') or has_table_privilege('authenticated', c.oid, 'select')`,
      `('public')`,
    ),
    spoil: 'create materialized view public.spoilt as select 1 as one; grant select on public.spoilt to anon',
    finds: 'spoilt',
  },
  '0023 sensitive_columns_exposed': {
    sql: `select a.attrelid::regclass || '.' || a.attname as object from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0
        and a.attname ~ '(password|secret|token|api_key|private_key|request_key|session_id|qr_code)'
        and has_column_privilege('anon', a.attrelid, a.attnum, 'select')`,
    spoil: 'grant select (secret) on public.orders to anon',
    finds: 'orders.secret',
  },
  '0024 permissive_rls_policy': {
    sql: policies(`cmd <> 'SELECT' and permissive = 'PERMISSIVE'
      and (cmd <> 'INSERT' and coalesce(qual, 'true') = 'true' or cmd in ('INSERT', 'ALL') and coalesce(with_check, qual, 'true') = 'true')`),
    spoil: 'create policy spoilt on public.orders for update to anon using (true)',
    finds: 'orders.spoilt',
  },
  '0028 anon_security_definer_function_executable': {
    sql: functions(
      `p.prosecdef and p.pronamespace = 'public'::regnamespace and has_function_privilege('anon', p.oid, 'execute')`,
    ),
    spoil: `create function public.spoilt() returns integer language sql security definer set search_path = '' return 1; grant execute on function public.spoilt() to anon`,
    finds: 'spoilt()',
  },
  '0029 authenticated_security_definer_function_executable': {
    sql: functions(
      `p.prosecdef and p.pronamespace = 'public'::regnamespace and has_function_privilege('authenticated', p.oid, 'execute')`,
    ),
    spoil: `create function public.spoilt() returns integer language sql security definer set search_path = '' return 1; grant execute on function public.spoilt() to authenticated`,
    finds: 'spoilt()',
  },
}
