-- verify_protections: is everything that holds a guarantee in place and as it was installed? One row a protection, without
-- load. Reads the catalogue: tgenabled too, not only existence.
create or replace function ticketing.verify_protections()
returns table (guarantee text, protection text, kind text, object text, active boolean, detail text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.guarantee, p.protection, p.kind, p.object, s.problem is null, coalesce(s.problem, 'in place')
  from ticketing.protections p
  left join ticketing.definitions d using (protection, object)
  -- offset 0: asked once a row, not once a mention.
  cross join lateral (
    select ticketing.protection_definition(p.kind, p.protection, p.object, p.functions) as definition offset 0) n
  cross join lateral (select case
    when n.definition is null then 'missing'
    when n.definition like 'disabled %' then 'disabled'
    when n.definition is distinct from d.definition then 'changed since it was installed'
  end as problem) s
  order by p.position
$$;

-- protection_definition: what a protection is right now, as text; null where it is missing.
create or replace function ticketing.protection_definition(p_kind text, p_name text, p_object text, p_functions text[])
returns text language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_functions text := ticketing.functions_definition(p_functions);
begin
  return case p_kind
    when 'trigger' then (
      select case t.tgenabled when 'O' then '' when 'A' then '' else 'disabled ' end
        || pg_get_triggerdef(t.oid) || ' ' || md5(f.prosrc) || v_functions
      from pg_catalog.pg_trigger t join pg_catalog.pg_proc f on f.oid = t.tgfoid
      where t.tgrelid = to_regclass(p_object) and t.tgname = p_name and not t.tgisinternal)
    when 'constraint' then (
      select case when not c.convalidated then 'disabled ' else '' end || pg_get_constraintdef(c.oid)
      from pg_catalog.pg_constraint c where c.conrelid = to_regclass(p_object) and c.conname = p_name)
    when 'index' then (
      select case when not (i.indisvalid and i.indisready) then 'disabled ' else '' end || pg_get_indexdef(i.indexrelid)
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
    select coalesce(string_agg(' ' || n.name || ' ' || md5(f.prosrc) || ' ' || coalesce(array_to_string(f.proconfig, ','), ''),
        '' order by n.name), '')
    from unnest(p_functions) n(name)
    left join pg_catalog.pg_proc f on f.pronamespace = to_regnamespace(split_part(n.name, '.', 1))
      and f.proname = split_part(n.name, '.', 2)
    having count(f.oid) = count(*));
end
$$;
