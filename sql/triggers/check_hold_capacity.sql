-- Refusing, holds: sold + held never exceeds the tier's total, also for a raw INSERT, UPDATE, COPY or upsert.
--
-- Fires before the counting trigger (alphabetical order), so the counters do not hold the new rows yet.
-- A transition table belongs to one event: hence one trigger for INSERT and one for UPDATE.
create or replace function ticketing.check_hold_capacity() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_more record;
begin
  for v_more in
    select n.tier_id, sum(n.quantity) as quantity from new_rows n
    where n.status = 'active' group by n.tier_id order by n.tier_id
  loop
    perform ticketing.demand_capacity(v_more.tier_id, v_more.quantity, tg_name);
  end loop;
  return null;
end
$$;

create or replace function ticketing.check_hold_capacity_upd() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_more record;
begin
  for v_more in
    select d.tier_id, sum(d.quantity) as quantity from (
      select n.tier_id, n.quantity from new_rows n where n.status = 'active'
      union all
      select o.tier_id, -o.quantity from old_rows o where o.status = 'active') d
    group by d.tier_id having sum(d.quantity) > 0 order by d.tier_id
  loop
    perform ticketing.demand_capacity(v_more.tier_id, v_more.quantity, tg_name);
  end loop;
  return null;
end
$$;

create or replace trigger trg_check_hold_capacity after insert on public.ticket_holds
  referencing new table as new_rows for each statement execute function ticketing.check_hold_capacity();
create or replace trigger trg_check_hold_capacity_upd after update on public.ticket_holds
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.check_hold_capacity_upd();
