-- reserve_tickets_batch: hold every asked tier for one session, or none of them.
--
-- Answers, first that applies:
--   INVALID_REQUEST       p_reservations is no list of 1 to 50 {tier_id, quantity}; a session id that is empty or longer
--                         than 200; a lifetime outside 1 to 60 minutes
--   INVALID_QUANTITY      a quantity (summed per tier) that is no whole number from 1 to 1000
--   FORBIDDEN             names another user, a session that is another user's, or a hold that is being paid for
--   TIER_NOT_FOUND
--   SEVERAL_BUSINESSES    a tier is of another business than the first one: `failed` names it
--   TIER_INACTIVE, EVENT_ENDED, SALE_NOT_OPEN, PERSON_REQUIRED, LIMIT_EXCEEDED
--   INSUFFICIENT_TICKETS  at least one tier has too few left; `failed` names each with what is available
--   LOCK_TIMEOUT          a tier was busy for five seconds; try again
--   success               the holds are the session's until expires_at: p_expires_minutes from now, and for other callers than the
--                         service role no longer than settings.hold_lifetime
-- Locks:  tiers, ascending id.
-- Writes: ticket_holds (a row a tier); the counters follow by trigger.
create or replace function ticketing.reserve_tickets_batch(
  p_reservations jsonb, p_session_id text default null, p_user_id uuid default null, p_expires_minutes integer default 15
) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
begin
  return ticketing.reserve_cart(ticketing.caller(), p_reservations, p_session_id, p_user_id, p_expires_minutes);
end
$$;
