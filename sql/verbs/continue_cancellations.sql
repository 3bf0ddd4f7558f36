-- continue_cancellations: go on with the events that staff cancelled: at most p_limit orders of one event. Answers how many it
-- ended; 0 where nothing is left, or all that is left is busy. Any number may run at once: an event has one of them.
-- An event is looked at for a day after it was asked for last: a checkout that began before may commit after it. Where a whole pass
-- found nothing, the next begins a minute later.
-- Locks:  cancellations that nobody else has, then cancel_orders'.
-- Writes: cancel_orders'.
create or replace function ticketing.continue_cancellations(p_limit integer default 50) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_event_id uuid;
  v_ended integer := 0;
begin
  for v_event_id in
    select c.event_id from ticketing.cancellations c where c.asked_at > v_now - interval '1 day'
      and (c.passed_at is null or c.passed_at < v_now - interval '1 minute')
    order by c.asked_at for no key update skip locked
  loop
    v_ended := ticketing.cancel_orders(v_event_id, p_limit);
    exit when v_ended > 0;
  end loop;
  return v_ended;
exception when lock_not_available or deadlock_detected then
  return 0;
end
$$;
