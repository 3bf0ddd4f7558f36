-- Gates without network: which tickets changed since a gate last heard, and how far back a gate's clock is believed.

do $migration$ begin
if not ticketing.begin_migration('0006_gate_lists') then return; end if;

-- Numbered by transaction, not by time: with the oldest transaction under way as its cursor a reader misses nothing that
-- commits later (gate_list).
alter table public.tickets add column changed_xid xid8 not null default pg_current_xact_id();
create index idx_tickets_changed on public.tickets (event_id, changed_xid);

-- In which life of the database transactions are numbered. Unlogged, so that recovery from a crash empties it: what was not on
-- disk then is forgotten, and its numbers are given again, by a server that says it was started when it was before.
create unlogged table ticketing.transaction_lives (
  is_this boolean primary key default true check (is_this),
  id uuid not null default gen_random_uuid()
);
insert into ticketing.transaction_lives default values;

-- The clock of the gate said something that cannot be, and was taken as of the nearest moment that can.
alter table public.scan_logs add column clock_suspect boolean not null default false;

alter table ticketing.settings
  -- An offline scan that claims to be older counts as of this long ago.
  add column offline_scan_age interval not null default '7 days' check (offline_scan_age > interval '0');

end $migration$;
