-- Last: remember what every protection looks like now, so that verify_protections() can tell when one was changed.
-- Tables' constraints and indexes are remembered once, functions and triggers each time they were made anew above.
insert into ticketing.definitions (protection, object, definition)
  select p.protection, p.object, ticketing.protection_definition(p.kind, p.protection, p.object, p.functions)
  from ticketing.protections p
  where ticketing.protection_definition(p.kind, p.protection, p.object, p.functions) is not null
on conflict (protection, object) do update set definition = excluded.definition
  where ticketing.definitions.definition <> excluded.definition and exists (
    select from ticketing.protections p
    where p.protection = excluded.protection and p.object = excluded.object and p.kind in ('decision', 'trigger'));
delete from ticketing.definitions d where not exists (
  select from ticketing.protections p where p.protection = d.protection and p.object = d.object);

-- PostgREST and our own server learn of new functions.
notify pgrst, 'reload schema';
