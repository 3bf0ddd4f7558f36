-- What verify_protections() compares beside the protections themselves: all of the schema that they rest on.

do $migration$ begin
if not ticketing.begin_migration('0011_effect') then return; end if;

alter table ticketing.protections drop constraint protections_kind_check;
alter table ticketing.protections add constraint protections_kind_check
  check (kind in ('decision', 'trigger', 'constraint', 'index', 'setting', 'schema'));

-- Functions, policies, rights, tables and laws as they were installed (schema_parts); filled by finish.sql.
create table ticketing.installed_parts (
  class text not null,
  object text not null,
  definition text not null,
  primary key (class, object)
);

end $migration$;
