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

-- lock_session: the tiers of which a session that the caller owns holds some, locked. Nobody ends those holds now but this
-- transaction.
--   refusal  INVALID_REQUEST, FORBIDDEN or null
create or replace function ticketing.lock_session(p_session_id text, out refusal text, out tier_ids uuid[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record := ticketing.caller();
begin
  if p_session_id is null or length(p_session_id) not between 1 and 200 then
    refusal := 'INVALID_REQUEST';
    return;
  end if;
  tier_ids := array(
    select h.tier_id from public.ticket_holds h where h.session_id = p_session_id and h.status = 'active');
  perform ticketing.lock_tiers(tier_ids);
  -- Asked under the lock: a guest's hold becomes a user's under it.
  if not v_caller.is_trusted and exists (
      select from public.ticket_holds h where h.session_id = p_session_id and h.status = 'active'
        and h.user_id <> coalesce(v_caller.user_id, '00000000-0000-0000-0000-000000000000')) then
    refusal := 'FORBIDDEN';
  end if;
end
$$;
