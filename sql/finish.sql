-- Every trigger of ours fires in every session: one that an import's session_replication_role passes protects nothing.
do $always$
declare
  v_trigger record;
begin
  for v_trigger in
    select t.tgrelid::regclass as relation, t.tgname as name from pg_trigger t join pg_proc f on f.oid = t.tgfoid
    where not t.tgisinternal and f.pronamespace = 'ticketing'::regnamespace
  loop
    execute format('alter table %s enable always trigger %I', v_trigger.relation, v_trigger.name);
  end loop;
end
$always$;

-- Last: remember what every protection looks like now, so that verify_protections() can tell when one was changed.
-- Tables, their constraints and indexes are remembered once, and when a migration has changed them; what is made anew each time,
-- each time.
insert into ticketing.definitions (protection, object, definition)
  select p.protection, p.object, ticketing.protection_definition(p.kind, p.protection, p.object, p.functions)
  from ticketing.protections p
  where ticketing.protection_definition(p.kind, p.protection, p.object, p.functions) is not null
on conflict (protection, object) do update set definition = excluded.definition
  where ticketing.definitions.definition <> excluded.definition and exists (
    select from ticketing.protections p
    where p.protection = excluded.protection and p.object = excluded.object and (p.kind in ('decision', 'trigger')
      or exists (select from ticketing.migrations m where age(m.xmin) = 0)));
delete from ticketing.definitions d where not exists (
  select from ticketing.protections p where p.protection = d.protection and p.object = d.object);

insert into ticketing.installed_parts (class, object, definition)
  select p.class, p.object, p.definition from ticketing.schema_parts() p where p.origin <> 'foreign'
on conflict (class, object) do update set definition = excluded.definition
  where ticketing.installed_parts.definition <> excluded.definition
    and (excluded.class <> 'tables' or exists (select from ticketing.migrations m where age(m.xmin) = 0));
delete from ticketing.installed_parts i
where (i.class <> 'tables' or exists (select from ticketing.migrations m where age(m.xmin) = 0))
  and not exists (select from ticketing.schema_parts() p where p.class = i.class and p.object = i.object);

-- An older installation's debts, and accounts that were right in sum only, are settled with the rule that finds them: once.
do $settle$ begin
if exists (select from ticketing.migrations m where m.name = '0010_owed_back' and age(m.xmin) = 0) then
  perform ticketing.settle_order(b.order_id, 'upgrade:' || b.order_id) from (
    select order_id from ticketing.law_books_balance union select order_id from ticketing.law_paid_once_issued_once) b
    where b.order_id is not null;
end if;
end $settle$;

-- PostgREST and our own server learn of new functions.
notify pgrst, 'reload schema';
