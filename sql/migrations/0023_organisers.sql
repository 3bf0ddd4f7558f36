-- Organisers: a tier that names no currency has its event's.

do $migration$ begin
if not ticketing.begin_migration('0023_organisers') then return; end if;

alter table public.ticket_tiers alter column currency drop default;

end $migration$;
