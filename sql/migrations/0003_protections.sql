do $migration$ begin
if not ticketing.begin_migration('0003_protections') then return; end if;

-- What holds the guarantees (filled by protections.sql), and how each protection looked when it was installed.
create table ticketing.protections (
  position integer not null,
  guarantee text not null,
  protection text not null,
  role text not null check (role in ('refuses', 'counts', 'guards')),
  kind text not null check (kind in ('decision', 'trigger', 'constraint', 'index')),
  object text not null,
  -- The functions of which the protection is made; a trigger's own is found in the catalogue.
  functions text[] not null default '{}',
  primary key (guarantee, protection, object)
);

create table ticketing.definitions (
  protection text not null,
  object text not null,
  definition text not null,
  primary key (protection, object)
);

create table ticketing.laws (
  position integer not null,
  guarantee text not null,
  law text not null,
  primary key (guarantee, law)
);

end $migration$;
