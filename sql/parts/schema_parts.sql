-- schema_parts: what the protections rest on, as it is right now. A part is
--   ours     remembered when it is installed: a changed one, a missing one and one more are named
--   may grow the same, and more of its kind may come: an operator's own columns, indexes and constraints
--   foreign  never remembered: its being there is what is wrong
create or replace function ticketing.schema_parts()
returns table (class text, object text, definition text, origin text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select * from ticketing.function_parts()
  union all select * from ticketing.policy_parts()
  union all select * from ticketing.right_parts()
  union all select * from ticketing.table_parts()
  union all
  -- A law that is replaced sees nothing.
  select 'laws', t.name, concat_ws(' ', md5(pg_get_viewdef(t.oid)), t.reloptions::text), 'ours'
  from ticketing.our_relations() t where t.relkind = 'v'
$$;

-- our_relations: tables and views of the vault, and the tables of ours in public.
create or replace function ticketing.our_relations()
returns table (oid oid, name text, relkind "char", relpersistence "char", rls text, relacl aclitem[], relowner oid, reloptions text[])
language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.oid, format('%I.%I', n.nspname, c.relname), c.relkind, c.relpersistence,
    concat(c.relrowsecurity, ' ', c.relforcerowsecurity), coalesce(c.relacl, acldefault('r', c.relowner)), c.relowner, c.reloptions
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'v')
    and (n.nspname = 'ticketing' or n.nspname = 'public' and c.relname in (select t.name from ticketing.tables t))
$$;

-- our_functions: the vault's, its doors, and what tells it who is calling.
create or replace function ticketing.our_functions()
returns table (oid oid, name text, proowner oid, proacl aclitem[])
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p.oid, format('%I.%I', n.nspname, p.proname), p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = 'ticketing' or n.nspname = 'public' and p.prosrc like '%ticketing.' || p.proname || '(%'
    or n.nspname = 'auth' and p.proname in ('uid', 'jwt', 'role')
$$;

-- function_definition: what a function does, and as whom.
create or replace function ticketing.function_definition(p_function oid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select md5(concat_ws(' ', f.prosrc, l.lanname, f.prosecdef, f.provolatile, f.proisstrict, f.proretset, f.prorettype::regtype,
    f.pronargdefaults, f.proconfig::text))
  from pg_proc f join pg_language l on l.oid = f.prolang where f.oid = p_function
$$;

-- function_parts: the functions that no protection names by itself. Confused deputy: a definer whose owner is not the tables'
-- counts only the rows that its owner may see.
create or replace function ticketing.function_parts() returns table (class text, object text, definition text, origin text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select 'functions', f.oid::regprocedure::text, ticketing.function_definition(f.oid), 'ours'
  from ticketing.our_functions() f
  where f.name not in (select unnest(x.functions) from ticketing.protections x)
    and f.oid not in (select t.tgfoid from ticketing.protections x
      join pg_trigger t on t.tgrelid = to_regclass(x.object) and t.tgname = x.protection and x.kind = 'trigger')
  union all
  select 'functions', format('%s owned by %s', f.oid::regprocedure, r.rolname), '', 'foreign'
  from ticketing.our_functions() f
  join pg_roles r on r.oid = f.proowner
  join pg_namespace v on v.nspname = 'ticketing'
  where f.name not like 'auth.%' and not pg_has_role(r.oid, v.nspowner, 'usage')
$$;

-- policy_parts: who reads which rows. A permissive policy more lets more through, and a role that passes all of them reads all.
create or replace function ticketing.policy_parts() returns table (class text, object text, definition text, origin text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select 'policies', 'row level security of ' || t.name, t.rls, 'ours' from ticketing.our_relations() t where t.relkind = 'r'
  union all
  select 'policies', format('policy %s on %s', p.polname, t.name), concat_ws(' ', p.polpermissive, p.polcmd, r.roles,
      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
    case age(p.xmin) when 0 then 'ours' else 'foreign' end
  from ticketing.our_relations() t
  join pg_policy p on p.polrelid = t.oid
  cross join lateral (select string_agg(coalesce(o.rolname, 'public'), ' ' order by o.rolname) as roles
    from unnest(p.polroles) u(role) left join pg_roles o on o.oid = u.role) r
  where r.roles ~ '\y(public|anon|authenticated)\y'
  union all
  select 'policies', format('role %s that passes every policy', r.rolname), '', 'foreign'
  from pg_roles r where r.rolname in ('anon', 'authenticated') and (r.rolsuper or r.rolbypassrls)
$$;

-- right_parts: what the roles of callers may do with each table, view, function and schema.
create or replace function ticketing.right_parts() returns table (class text, object text, definition text, origin text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select 'rights', o.name, coalesce(string_agg(concat_ws(' ', coalesce(r.rolname, 'public'), a.privilege_type, o.attname), ', '
      order by r.rolname, a.privilege_type, o.attname) filter (where a.grantee = 0 or r.oid is not null), ''), 'ours'
  from (
    select t.name, null::name as attname, t.relacl as acl from ticketing.our_relations() t
    union all
    select t.name, c.attname, c.attacl from ticketing.our_relations() t
      join pg_attribute c on c.attrelid = t.oid and c.attnum > 0 and c.attacl is not null
    union all
    select f.oid::regprocedure::text, null, f.proacl from ticketing.our_functions() f
    union all
    select 'schema ' || n.nspname, null, coalesce(n.nspacl, acldefault('n', n.nspowner)) from pg_namespace n
      where n.nspname = 'ticketing') o
  cross join lateral aclexplode(o.acl) a
  left join pg_roles r on r.oid = a.grantee and r.rolname in ('anon', 'authenticated', 'service_role')
  group by o.name
  union all
  select 'rights', format('role %s as a member of %s', m.member::regrole, m.roleid::regrole), '', 'foreign'
  from pg_auth_members m where m.member in (to_regrole('anon'), to_regrole('authenticated'))
$$;

-- table_parts: columns, constraints, unique indexes, domains, and the triggers that no protection names. A rule can do
-- something else instead, and another's trigger before ours can change the row that ours judges.
create or replace function ticketing.table_parts() returns table (class text, object text, definition text, origin text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with relations as materialized (select * from ticketing.our_relations()),
  named as materialized (
    select x.kind, to_regclass(x.object) as relation, x.protection from ticketing.protections x
    where x.kind in ('trigger', 'constraint', 'index'))
  select 'tables', t.name, concat(t.relkind, t.relpersistence, case when exists (
      select from pg_inherits i where i.inhparent = t.oid) then ' has children' end), 'may grow'
  from relations t where t.relkind = 'r'
  union all
  select 'tables', t.name || '.' || c.attname, concat_ws(' ', format_type(c.atttypid, c.atttypmod), c.attnotnull,
    c.attgenerated, pg_get_expr(d.adbin, d.adrelid)), 'may grow'
  from relations t join pg_attribute c on c.attrelid = t.oid and c.attnum > 0 and not c.attisdropped
  left join pg_attrdef d on d.adrelid = t.oid and d.adnum = c.attnum
  where t.relkind = 'r'
  union all
  -- Referential integrity is kept by triggers of PostgreSQL's own, which DISABLE TRIGGER ALL takes along.
  select 'tables', format('constraint %s on %s', k.conname, t.name), concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated,
    (select 'disabled' from pg_trigger g where g.tgconstraint = k.oid and g.tgisinternal and g.tgenabled in ('D', 'R') limit 1)),
    'may grow'
  from relations t join pg_constraint k on k.conrelid = t.oid and k.contype not in ('n', 't')
  where not exists (select from named n where n.kind = 'constraint' and n.relation = t.oid and n.protection = k.conname)
  union all
  select 'tables', 'index ' || i.indexrelid::regclass, concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready), 'may grow'
  from relations t join pg_index i on i.indrelid = t.oid and i.indisunique join pg_class c on c.oid = i.indexrelid
  where not exists (select from pg_constraint k where k.conindid = i.indexrelid)
    and not exists (select from named n where n.kind = 'index' and n.relation = t.oid and n.protection = c.relname)
  union all
  select 'tables', 'type ' || y.oid::regtype, concat_ws(' ', format_type(y.typbasetype, y.typtypmod),
    (select string_agg(concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated), ', ' order by k.conname)
      from pg_constraint k where k.contypid = y.oid and k.contype = 'c')), 'may grow'
  from pg_type y where y.typnamespace = to_regnamespace('ticketing') and y.typtype = 'd'
  union all
  select 'tables', format('trigger %s on %s', g.tgname, t.name), pg_get_triggerdef(g.oid) || ' ' || g.tgenabled::text,
    case when f.pronamespace = to_regnamespace('ticketing') then 'may grow' else 'foreign' end
  from relations t join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal join pg_proc f on f.oid = g.tgfoid
  where (f.pronamespace = to_regnamespace('ticketing') or (g.tgtype & 2) > 0) and not exists (
    select from named n where n.kind = 'trigger' and n.relation = t.oid and n.protection = g.tgname)
  union all
  select 'tables', format('rule %s on %s', w.rulename, t.name), '', 'foreign'
  from relations t join pg_rewrite w on w.ev_class = t.oid and w.rulename <> '_RETURN'
$$;
