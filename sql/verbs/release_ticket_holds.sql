-- release_ticket_holds: give back everything that a session holds, but for what is being paid for: its payment may arrive.
--
-- Answers, first that applies:
--   INVALID_REQUEST  no session named
--   FORBIDDEN        the session is another user's
--   LOCK_TIMEOUT     a tier was busy for five seconds; try again
--   success          {success: true, released: how many tickets}; 0 when nothing was held
-- Locks:  tiers, ascending id.
-- Writes: ticket_holds; the counters follow by trigger.
create or replace function ticketing.release_ticket_holds(p_session_id text) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_session record;
  v_released integer;
begin
  v_session := ticketing.lock_session(p_session_id);
  if v_session.refusal is not null then
    return ticketing.refused(v_session.refusal, case v_session.refusal when 'INVALID_REQUEST' then 'p_session_id is needed.' end);
  end if;
  -- `is true` keeps the planner off the index of all living holds while the table is not analyzed.
  with released as (
    update public.ticket_holds set status = 'released', ended_at = clock_timestamp()
      where session_id = p_session_id and status = 'active' and (tier_id = any (v_session.tier_ids)) is true and order_id is null
      returning quantity)
  select coalesce(sum(quantity), 0) into v_released from released;
  return jsonb_build_object('success', true, 'released', v_released);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
