-- reserve_one: what reserve_tickets_atomically answers to a caller, whoever passes the call on.
--
-- Answers as the verb does.
-- Locks:  the tier.
-- Writes: ticket_holds (1 row); the counter follows by trigger.
create or replace function ticketing.reserve_one(p_caller record, p_tier_id uuid, p_quantity integer) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answer jsonb;
begin
  if p_quantity is null or p_quantity not between 1 and 1000 then
    return ticketing.refused_one('INVALID_QUANTITY', 0);
  end if;
  if p_tier_id is null then
    return ticketing.refused_one('TIER_NOT_FOUND', 0);
  end if;
  -- A trusted caller's hold is marked as its own, so that its release_tickets never takes a guest's.
  v_answer := ticketing.hold_tiers(
    case when p_caller.is_trusted then ticketing.session_id('service') end,
    p_caller.user_id, null, array[p_tier_id], array[p_quantity], interval '15 minutes');
  if (v_answer ->> 'success')::boolean then
    return jsonb_build_object('success', true, 'session_id', v_answer -> 'session_id',
      'hold_id', v_answer #> '{reservations,0,hold_id}', 'expires_at', v_answer -> 'expires_at',
      'remaining', v_answer #> '{reservations,0,remaining}');
  end if;
  return ticketing.refused_one(v_answer ->> 'error_code', (v_answer #>> '{failed,0,available}')::integer);
end
$$;

-- refused_one: a refusal of one tier, in the codes of reserve_tickets_atomically.
create or replace function ticketing.refused_one(p_code text, p_available integer) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select ticketing.refused(case p_code when 'EVENT_ENDED' then 'SALE_NOT_OPEN' else p_code end)
    || jsonb_build_object('available', coalesce(p_available, 0))
$$;
