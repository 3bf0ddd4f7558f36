-- check_tier_size: says to whom lowers a capacity how far that goes. The counters are of the row under its lock; the tier's CHECK
-- stands behind it, and is what a login sees.
create or replace function ticketing.check_tier_size() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'CAPACITY_IN_USE: % are sold and % held of tier %: % is too few', new.sold_quantity, new.reserved_quantity,
      new.id, new.total_quantity
    using errcode = '23514', constraint = tg_name, table = tg_table_name, schema = 'public',
      hint = format('Lower it to %s, or pause the tier and wait until holds are over.', new.sold_quantity + new.reserved_quantity);
end
$$;

create or replace trigger trg_check_tier_size before update of total_quantity on public.ticket_tiers
  for each row when (current_user in ('authenticated', 'service_role')
    and new.total_quantity < new.sold_quantity + new.reserved_quantity)
  execute function ticketing.check_tier_size();
