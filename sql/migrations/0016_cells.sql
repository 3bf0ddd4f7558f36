-- Cells: which installation of several an id was made in.

do $migration$ begin
if not ticketing.begin_migration('0016_cells') then return; end if;

alter table ticketing.settings
  -- Carried by every id that is made here from then on (uuid_v7).
  add column cell integer not null default 0 check (cell between 0 and 4095),
  -- Ids of before carry nothing, though some look as if they did: where this installation is older than its cells, from now on.
  add column cells_since timestamptz not null default '-infinity';
update ticketing.settings set cells_since = now()
  where exists (select from ticketing.migrations m where m.applied_at < now());

end $migration$;
