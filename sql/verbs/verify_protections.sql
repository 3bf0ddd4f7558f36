-- verify_protections: would everything that holds a guarantee work now, as it was installed? One row a protection, without
-- load. It speaks about effect, not about presence: a trigger fires in every session, in this one and in the server's; and what
-- the protections rest on, helpers, policies, rights, tables and laws, is what it was.
-- Locks:  the installation, shared: what is being made anew is judged when it stands. Waits 30 seconds, longer than verbs of a
--         sale: an installer takes a few.
create or replace function ticketing.verify_protections()
returns table (guarantee text, protection text, kind text, object text, active boolean, detail text)
language sql volatile security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '30s' as $$
  select pg_advisory_xact_lock_shared(hashtextextended('admit-once:install', 0));
  select p.guarantee, p.protection, p.kind, p.object, s.problem is null, coalesce(s.problem, 'in place')
  from ticketing.protections p
  left join ticketing.definitions d using (protection, object)
  left join ticketing.changed_parts() c on p.kind = 'schema' and c.class = p.object
  -- offset 0: asked once a row, not once a mention.
  cross join lateral (
    select ticketing.protection_definition(p.kind, p.protection, p.object, p.functions) as definition offset 0) n
  cross join lateral (select case
    when p.kind = 'schema' then c.problem
    when p.kind = 'setting' then ticketing.setting_problem(p.object)
    when n.definition is null then 'missing'
    when n.definition like 'disabled %' then 'disabled'
    when n.definition is distinct from d.definition then 'changed since it was installed'
  end as problem) s
  order by p.position
$$;

-- protection_definition: what a protection is right now, as text; null where it is missing. A trigger that does not fire in
-- every session (ENABLE ALWAYS) is as good as disabled: an import's session_replication_role would pass it.
create or replace function ticketing.protection_definition(p_kind text, p_name text, p_object text, p_functions text[])
returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_functions text := ticketing.functions_definition(p_functions);
begin
  return case p_kind
    when 'trigger' then (
      select case t.tgenabled when 'A' then '' else 'disabled ' end
        || pg_get_triggerdef(t.oid) || ' ' || ticketing.function_definition(t.tgfoid) || v_functions
      from pg_catalog.pg_trigger t
      where t.tgrelid = to_regclass(p_object) and t.tgname = p_name and not t.tgisinternal)
    when 'constraint' then (
      select case when not c.convalidated then 'disabled ' else '' end || pg_get_constraintdef(c.oid)
      from pg_catalog.pg_constraint c where c.conrelid = to_regclass(p_object) and c.conname = p_name)
    when 'index' then (
      select case when not (i.indisvalid and i.indisready and i.indislive) then 'disabled ' else '' end
        || pg_get_indexdef(i.indexrelid)
      from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
      where i.indrelid = to_regclass(p_object) and c.relname = p_name)
    when 'decision' then v_functions
  end;
end
$$;

-- functions_definition: what these functions are right now, as text; null where one is missing.
create or replace function ticketing.functions_definition(p_functions text[]) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select coalesce(string_agg(' ' || n.name || ' ' || ticketing.function_definition(f.oid), ''
        order by n.name, f.oid::regprocedure::text), '')
    from unnest(p_functions) n(name)
    left join pg_catalog.pg_proc f on f.pronamespace = to_regnamespace(split_part(n.name, '.', 1))
      and f.proname = split_part(n.name, '.', 2)
    having count(f.oid) = count(*));
end
$$;

-- changed_parts: of each class of schema_parts, the first few that are not as they were installed; no row: all are.
create or replace function ticketing.changed_parts() returns table (class text, problem text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select x.class, string_agg(x.problem, ', ' order by x.problem) filter (where x.nth <= 5)
    || case when count(*) > 5 then format(' and %s more', count(*) - 5) else '' end
  from (
    select class, d.problem, row_number() over (partition by class order by d.problem) as nth
    from (select class, object, definition, origin from ticketing.schema_parts()) n
    full join ticketing.installed_parts i using (class, object)
    cross join lateral (select case
      when n.definition is null then object || ' is missing'
      when i.definition is null then case n.origin when 'may grow' then null else object || ' was not installed' end
      when n.definition <> i.definition then object || ' is not as it was installed'
    end as problem) d
    where d.problem is not null) x
  group by x.class
$$;

-- setting_problem: where one of these settings is not what the promises need: in this session, in one that begins now, or in
-- those of some role (the server's login may be it; calls set what ALTER ROLE gives their role).
create or replace function ticketing.setting_problem(p_settings text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  with asked as (
    select s.name, s.setting, s.reset_val, case s.name when 'session_replication_role' then array['replica', 'local']
      else array['off'] end as wrong
    from pg_settings s where s.name = any (string_to_array(p_settings, ', ')))
  select string_agg(x.problem, ', ' order by x.problem) from (
    select format('%s is %s', a.name, case when a.setting = any (a.wrong) then a.setting else a.reset_val end) as problem
      from asked a where a.setting = any (a.wrong) or a.reset_val = any (a.wrong)
    union
    select format('%s is %s for %s', a.name, substr(c.setting, strpos(c.setting, '=') + 1),
        case d.setrole when 0 then 'this database' else 'role ' || d.setrole::regrole end)
      from pg_db_role_setting d cross join lateral unnest(d.setconfig) c(setting)
      join asked a on a.name = split_part(c.setting, '=', 1) and substr(c.setting, strpos(c.setting, '=') + 1) = any (a.wrong)
      where d.setdatabase in (0, (select b.oid from pg_database b where b.datname = current_database()))) x
$$;
