-- Expired holds: how many ended of late is counted in an index of those alone, so that holds that are bought cost nothing more.

do $migration$ begin
if not ticketing.begin_migration('0026_expired_holds') then return; end if;

create index idx_ticket_holds_expired on public.ticket_holds (ended_at) where status = 'expired';

end $migration$;
