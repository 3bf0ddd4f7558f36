-- demand_owner: a business that has owners keeps one: the last can neither go nor become something else, until the business goes.
-- Locks:  the business, so that two owners cannot remove each other. Write skew: its row is written, so that a snapshot from before
-- the other's removal is told to retry (40001).
create or replace function ticketing.demand_owner() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  update public.businesses b set slug = b.slug where b.id = old.business_id;
  if found and not exists (select from public.business_staff s
      where s.business_id = old.business_id and s.role = 'owner' and s.user_id <> old.user_id) then
    raise exception 'LAST_OWNER: a business keeps an owner'
      using errcode = '23514', constraint = tg_name, table = tg_table_name, schema = 'public',
        hint = 'Make somebody else an owner first.';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end
$$;

create or replace trigger trg_demand_owner before delete on public.business_staff
  for each row when (old.role = 'owner') execute function ticketing.demand_owner();
create or replace trigger trg_demand_owner_upd before update on public.business_staff
  for each row when (old.role = 'owner' and new.role <> 'owner') execute function ticketing.demand_owner();
