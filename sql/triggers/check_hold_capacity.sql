-- check_hold_capacity: refuses a statement on holds after which sold + held would exceed the tier's total, raw INSERT, UPDATE,
-- COPY and upsert included.
--
-- A transition table belongs to one event: hence one trigger for INSERT and one for UPDATE. Each compiles the function for
-- itself, and plans only the statements of its own event.
-- Fires before the counting trigger (alphabetical order), so the counters do not hold the new rows yet.
create or replace function ticketing.check_hold_capacity() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_more record;
begin
  if tg_op = 'INSERT' then
    for v_more in
      select n.tier_id, sum(n.quantity) as quantity from new_rows n
      where n.status = 'active' group by n.tier_id order by n.tier_id
    loop
      perform ticketing.demand_capacity(v_more.tier_id, v_more.quantity, tg_name);
    end loop;
  else
    for v_more in
      select d.tier_id, sum(d.quantity) as quantity from (
        select n.tier_id, n.quantity as quantity from new_rows n where n.status = 'active'
        union all
        select o.tier_id, -o.quantity from old_rows o where o.status = 'active') d
      group by d.tier_id having sum(d.quantity) > 0 order by d.tier_id
    loop
      perform ticketing.demand_capacity(v_more.tier_id, v_more.quantity, tg_name);
    end loop;
  end if;
  return null;
end
$$;

create or replace trigger trg_check_hold_capacity after insert on public.ticket_holds
  referencing new table as new_rows for each statement execute function ticketing.check_hold_capacity();
create or replace trigger trg_check_hold_capacity_upd after update on public.ticket_holds
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.check_hold_capacity();
