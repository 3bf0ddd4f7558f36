-- Reads: a buyer's tickets are found by their orders, whatever the event, and an event's scans by their time.

do $migration$ begin
if not ticketing.begin_migration('0027_reads') then return; end if;

drop index public.idx_tickets_order;
create index idx_tickets_order on public.tickets (order_id, event_id);

drop index public.idx_scan_logs_event;
create index idx_scan_logs_event on public.scan_logs (event_id, scanned_at);

end $migration$;
