-- expire_ticket_holds: end at most p_limit holds whose time is up; answers how many. Any number may run at once, and a
-- tier that stays busy for five seconds is left to the next run.
-- Locks:  tiers, ascending id.
-- Writes: ticket_holds; the counters follow by trigger.
create or replace function ticketing.expire_ticket_holds(p_limit integer default 1000) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_tier_id uuid;
  v_expired integer := 0;
begin
  if p_limit is null or p_limit not between 1 and 100000 then
    raise exception 'p_limit must be 1 to 100000' using errcode = '22023';
  end if;
  for v_tier_id in
    select t.id from public.ticket_tiers t
    where t.reserved_quantity > 0 and ticketing.has_due_holds(t.id, v_now) order by t.id
  loop
    exit when v_expired >= p_limit;
    begin
      perform ticketing.lock_tiers(array[v_tier_id]);
      v_expired := v_expired + ticketing.expire_due_holds(v_tier_id, v_now, p_limit - v_expired);
    exception when lock_not_available or deadlock_detected then
      continue;
    end;
  end loop;
  return v_expired;
end
$$;
