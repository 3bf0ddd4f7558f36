-- sync_reserved_quantity: counts: reserved_quantity of a tier is the sum of its active holds. One update of a tier a statement,
-- however many rows it wrote; a statement that changed nothing touches no tier. Tiers in ascending order, as everywhere.
create or replace function ticketing.sync_reserved_quantity() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  if tg_op = 'INSERT' then
    for v_change in
      select n.tier_id, sum(n.quantity) as quantity from new_rows n
      where n.status = 'active' group by n.tier_id order by n.tier_id
    loop
      update public.ticket_tiers set reserved_quantity = reserved_quantity + v_change.quantity where id = v_change.tier_id;
    end loop;
  elsif tg_op = 'DELETE' then
    for v_change in
      select o.tier_id, -sum(o.quantity) as quantity from old_rows o
      where o.status = 'active' group by o.tier_id order by o.tier_id
    loop
      update public.ticket_tiers set reserved_quantity = reserved_quantity + v_change.quantity where id = v_change.tier_id;
    end loop;
  else
    for v_change in
      select d.tier_id, sum(d.quantity) as quantity from (
        select n.tier_id, n.quantity as quantity from new_rows n where n.status = 'active'
        union all
        select o.tier_id, -o.quantity from old_rows o where o.status = 'active') d
      group by d.tier_id having sum(d.quantity) <> 0 order by d.tier_id
    loop
      update public.ticket_tiers set reserved_quantity = reserved_quantity + v_change.quantity where id = v_change.tier_id;
    end loop;
  end if;
  return null;
end
$$;

create or replace trigger trg_sync_reserved_quantity after insert on public.ticket_holds
  referencing new table as new_rows for each statement execute function ticketing.sync_reserved_quantity();
create or replace trigger trg_sync_reserved_quantity_upd after update on public.ticket_holds
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.sync_reserved_quantity();
create or replace trigger trg_sync_reserved_quantity_del after delete on public.ticket_holds
  referencing old table as old_rows for each statement execute function ticketing.sync_reserved_quantity();
