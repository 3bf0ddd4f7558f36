-- A tier's event and currency are one foreign key, which says all that the plain one said. With both, clients that embed tiers in events
-- had to name one of two relationships.

do $migration$ begin
if not ticketing.begin_migration('0024_one_way_to_an_event') then return; end if;

alter table public.ticket_tiers drop constraint ticket_tiers_event_id_fkey;

end $migration$;
