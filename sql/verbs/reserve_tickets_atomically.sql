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
begin
  return ticketing.reserve_one(ticketing.caller(), p_tier_id, p_quantity);
end
$$;
