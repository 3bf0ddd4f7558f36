-- lock_order_tickets: all tickets of an order, ascending id, before the first of them is written: a gate that brings its scans
-- locks them in that order too.
create or replace function ticketing.lock_order_tickets(p_order_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_id uuid;
begin
  for v_id in
    select t.id from public.orders o join public.tickets t on t.event_id = o.event_id and t.order_id = o.id
    where o.id = p_order_id order by t.id
  loop
    perform ticketing.lock_scanned(v_id);
  end loop;
end
$$;
