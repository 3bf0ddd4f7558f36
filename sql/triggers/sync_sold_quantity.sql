-- sync_sold_quantity: counts: sold_quantity of a tier is the number of its tickets that are valid, used, being refunded or void.
-- trg_release_capacity gives back what a deletion frees, trg_release_capacity_upd what a refund or a cancellation does.
-- The scan of a ticket (valid -> used) changes no count, so it touches no tier: gates never queue behind buyers.
create or replace function ticketing.sync_sold_quantity() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  if tg_op = 'INSERT' then
    for v_change in
      select n.tier_id, count(*) as quantity from new_rows n
      where n.status in ('valid', 'used', 'refunding', 'void') group by n.tier_id order by n.tier_id
    loop
      update public.ticket_tiers set sold_quantity = sold_quantity + v_change.quantity where id = v_change.tier_id;
    end loop;
  elsif tg_op = 'DELETE' then
    for v_change in
      select o.tier_id, -count(*) as quantity from old_rows o
      where o.status in ('valid', 'used', 'refunding', 'void') group by o.tier_id order by o.tier_id
    loop
      update public.ticket_tiers set sold_quantity = sold_quantity + v_change.quantity where id = v_change.tier_id;
    end loop;
  else
    for v_change in
      select d.tier_id, sum(d.quantity) as quantity from (
        select n.tier_id, 1 as quantity from new_rows n where n.status in ('valid', 'used', 'refunding', 'void')
        union all
        select o.tier_id, -1 from old_rows o where o.status in ('valid', 'used', 'refunding', 'void')) d
      group by d.tier_id having sum(d.quantity) <> 0 order by d.tier_id
    loop
      update public.ticket_tiers set sold_quantity = sold_quantity + v_change.quantity where id = v_change.tier_id;
    end loop;
  end if;
  return null;
end
$$;

create or replace trigger trg_sync_sold_quantity after insert on public.tickets
  referencing new table as new_rows for each statement execute function ticketing.sync_sold_quantity();
create or replace trigger trg_release_capacity_upd after update on public.tickets
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.sync_sold_quantity();
create or replace trigger trg_release_capacity after delete on public.tickets
  referencing old table as old_rows for each statement execute function ticketing.sync_sold_quantity();
