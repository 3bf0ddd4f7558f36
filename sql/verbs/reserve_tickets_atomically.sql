-- reserve_tickets_atomically: hold some of one tier, in a session of its own, for 15 minutes.
--
-- Answers, first that applies: INVALID_QUANTITY, TIER_NOT_FOUND, TIER_INACTIVE, SALE_NOT_OPEN (also when the event is
-- over), PERSON_REQUIRED, LIMIT_EXCEEDED, INSUFFICIENT_TICKETS, LOCK_TIMEOUT as {success: false, error, message, available};
-- {success: true, hold_id, session_id, expires_at, remaining}.
-- Locks:  the tier.
-- Writes: ticket_holds (1 row); the counter follows by trigger.
create or replace function ticketing.reserve_tickets_atomically(p_tier_id uuid, p_quantity integer) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_answer jsonb;
  v_code text;
begin
  if p_quantity is null or p_quantity not between 1 and 1000 then
    return ticketing.refused('INVALID_QUANTITY') || '{"available": 0}';
  end if;
  if p_tier_id is null then
    return ticketing.refused('TIER_NOT_FOUND') || '{"available": 0}';
  end if;
  -- A trusted caller's hold is marked as its own, so that its release_tickets never takes a guest's.
  v_answer := ticketing.hold_tiers(
    case when v_caller.is_trusted then ticketing.session_id('service') end,
    v_caller.user_id, null, array[p_tier_id], array[p_quantity], interval '15 minutes');
  if (v_answer ->> 'success')::boolean then
    return jsonb_build_object('success', true, 'session_id', v_answer -> 'session_id',
      'hold_id', v_answer #> '{reservations,0,hold_id}', 'expires_at', v_answer -> 'expires_at',
      'remaining', v_answer #> '{reservations,0,remaining}');
  end if;
  v_code := case v_answer ->> 'error_code' when 'EVENT_ENDED' then 'SALE_NOT_OPEN' else v_answer ->> 'error_code' end;
  return ticketing.refused(v_code)
    || jsonb_build_object('available', coalesce((v_answer #>> '{failed,0,available}')::integer, 0));
end
$$;
