-- check_ticket_capacity: refuses a statement on tickets after which sold + held would exceed the tier's total, raw INSERT and
-- COPY included, and an UPDATE that gives a cancelled ticket its place back or moves it to another tier.
create or replace function ticketing.check_ticket_capacity() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_more record;
begin
  if tg_op = 'INSERT' then
    for v_more in
      select n.tier_id, count(*) as quantity from new_rows n
      where n.status in ('valid', 'used', 'refunding', 'void') group by n.tier_id order by n.tier_id
    loop
      perform ticketing.demand_capacity(v_more.tier_id, v_more.quantity, tg_name);
    end loop;
  else
    for v_more in
      select d.tier_id, sum(d.quantity) as quantity from (
        select n.tier_id, 1 as quantity from new_rows n where n.status in ('valid', 'used', 'refunding', 'void')
        union all
        select o.tier_id, -1 from old_rows o where o.status in ('valid', 'used', 'refunding', 'void')) d
      group by d.tier_id having sum(d.quantity) > 0 order by d.tier_id
    loop
      perform ticketing.demand_capacity(v_more.tier_id, v_more.quantity, tg_name);
    end loop;
  end if;
  return null;
end
$$;

create or replace trigger trg_reserve_capacity after insert on public.tickets
  referencing new table as new_rows for each statement execute function ticketing.check_ticket_capacity();
-- Its name is before that of the counting trigger, so that the counters do not hold the new rows yet.
create or replace trigger trg_check_ticket_capacity_upd after update on public.tickets
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.check_ticket_capacity();
