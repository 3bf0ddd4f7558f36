-- Row security estimates: a policy compares with a list that only the run knows, and the planner takes it for ten values of the
-- column. Where one event has most rows of a table that is analyzed, ten values would be all rows, and a buyer's own three found by
-- reading everybody's. At a hundred rows a value the index is chosen; what names an event is estimated by its own frequency.

do $migration$ begin
if not ticketing.begin_migration('0029_row_security_estimates') then return; end if;

declare
  v_column record;
begin
for v_column in
  select c.table_name, c.name from (values ('orders', 'event_id'), ('order_items', 'event_id'), ('scan_logs', 'event_id'),
    ('scan_logs', 'business_id'), ('offer_claims', 'discount_id'), ('reservations', 'business_id'),
    ('vip_reservations', 'business_id')) c(table_name, name)
loop
  execute format('alter table public.%I alter column %I set (n_distinct = -0.01)', v_column.table_name, v_column.name);
  -- What was analyzed is analyzed anew; what never was stays so, as plans for an empty table are other ones.
  if exists (select from pg_stats s where s.schemaname = 'public' and s.tablename = v_column.table_name) then
    execute format('analyze public.%I (%I)', v_column.table_name, v_column.name);
  end if;
end loop;
end;

end $migration$;
