-- expire_ticket_holds: end at most p_limit holds whose time is up; answers how many. Any number may run at once. It waits
-- for no tier but the first, a different one each time: a tier that is busy then keeps nobody else waiting, and its turn comes.
-- Locks:  tiers, in any order: only the first is waited for.
-- Writes: ticket_holds; the counters follow by trigger.
create or replace function ticketing.expire_ticket_holds(p_limit integer default 1000) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_tier_ids uuid[];
  v_expired integer := 0;
begin
  if p_limit is null or p_limit not between 1 and 100000 then
    raise exception 'p_limit must be 1 to 100000' using errcode = '22023';
  end if;
  v_tier_ids := array(
    select t.id from public.ticket_tiers t
    where t.reserved_quantity > 0 and ticketing.has_due_holds(t.id, v_now) order by random());
  for i in 1 .. cardinality(v_tier_ids) loop
    exit when v_expired >= p_limit;
    if i = 1 then
      perform ticketing.lock_tiers(v_tier_ids[1:1]);
    else
      continue when not pg_try_advisory_xact_lock(hashtextextended('tier:' || v_tier_ids[i], 0));
      perform from public.ticket_tiers where id = v_tier_ids[i] for no key update skip locked;
      continue when not found;
    end if;
    v_expired := v_expired + ticketing.expire_due_holds(v_tier_ids[i], v_now, p_limit - v_expired);
  end loop;
  return v_expired;
exception
  -- A protection behind this function refused: what it was about to end is not due.
  when check_violation then
    return 0;
  when lock_not_available or deadlock_detected then
    return 0;
end
$$;
