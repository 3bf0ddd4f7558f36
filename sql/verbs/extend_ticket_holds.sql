-- extend_ticket_holds: move the end of a session's holds, once, by at most 30 minutes, and for other callers than the service role
-- by no more than settings.hold_extension. What is being paid for has a deadline
-- of its own.
--
-- Answers, first that applies:
--   INVALID_REQUEST   no session named, or p_extend_minutes outside 1 to 30
--   FORBIDDEN         the session is another user's
--   NO_ACTIVE_HOLDS   nothing is held any more; what has lapsed is not revived
--   ALREADY_EXTENDED  every hold had its one extension: else a hold could live for ever
--   LOCK_TIMEOUT      a tier was busy for five seconds; try again
--   success           {success: true, expires_at: the earliest end among the session's holds}
-- Locks:  tiers, ascending id.
-- Writes: ticket_holds.
create or replace function ticketing.extend_ticket_holds(p_session_id text, p_extend_minutes integer) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_session record;
  v_now timestamptz;
  v_longer interval := make_interval(mins => p_extend_minutes);
  v_expires_at timestamptz;
begin
  if p_extend_minutes is null or p_extend_minutes not between 1 and 30 then
    return ticketing.refused('INVALID_REQUEST', 'p_extend_minutes must be 1 to 30.');
  end if;
  v_session := ticketing.lock_session(p_session_id);
  if not v_caller.is_trusted then
    v_longer := least(v_longer, (select s.hold_extension from ticketing.settings s));
  end if;
  if v_session.refusal is not null then
    return ticketing.refused(v_session.refusal, case v_session.refusal when 'INVALID_REQUEST' then 'p_session_id is needed.' end);
  end if;
  v_now := clock_timestamp();
  update public.ticket_holds set extended_at = v_now, expires_at = expires_at + v_longer
    where session_id = p_session_id and status = 'active' and (tier_id = any (v_session.tier_ids)) is true
      and expires_at > v_now and extended_at is null and order_id is null;
  if not found then
    return ticketing.refused(case when exists (
      select from public.ticket_holds where session_id = p_session_id and status = 'active' and expires_at > v_now)
      then 'ALREADY_EXTENDED' else 'NO_ACTIVE_HOLDS' end);
  end if;
  select min(expires_at) into v_expires_at from public.ticket_holds
    where session_id = p_session_id and status = 'active' and expires_at > v_now;
  return jsonb_build_object('success', true, 'expires_at', v_expires_at);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
