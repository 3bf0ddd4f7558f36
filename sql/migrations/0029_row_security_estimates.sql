-- Row security estimates: a policy compares with a list that only the run knows, and the planner takes it for ten values of the
-- column. Where one event has most rows of a table that is analyzed, ten values would be all rows, and a buyer's own three found by
-- reading everybody's. At a hundred rows a value the index is chosen; what names an event is estimated by its own frequency.

do $migration$ begin
if not ticketing.begin_migration('0029_row_security_estimates') then return; end if;

alter table public.orders alter column event_id set (n_distinct = -0.01);
alter table public.order_items alter column event_id set (n_distinct = -0.01);
alter table public.scan_logs alter column event_id set (n_distinct = -0.01), alter column business_id set (n_distinct = -0.01);
alter table public.offer_claims alter column discount_id set (n_distinct = -0.01);
alter table public.reservations alter column business_id set (n_distinct = -0.01);
alter table public.vip_reservations alter column business_id set (n_distinct = -0.01);

end $migration$;
