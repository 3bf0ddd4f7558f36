-- lock_order: an order, read under its locks, advisory before row; all null where there is none.
create or replace function ticketing.lock_order(p_order_id uuid) returns public.orders
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders;
begin
  if p_order_id is not null then
    perform ticketing.lock_key('order:' || p_order_id);
    perform ticketing.limit_wait();
    select * into v_order from public.orders where id = p_order_id for no key update;
  end if;
  return v_order;
end
$$;
