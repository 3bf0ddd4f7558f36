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
declare
  v_caller record;
  v_user_id uuid;
  v_cart record;
begin
  if p_expires_minutes is null or p_expires_minutes not between 1 and 60 then
    return ticketing.refused_cart('INVALID_REQUEST', 'p_expires_minutes must be 1 to 60.');
  end if;
  if length(p_session_id) not between 1 and 200 then
    return ticketing.refused_cart('INVALID_REQUEST', 'p_session_id must have 1 to 200 characters.');
  end if;
  v_cart := ticketing.read_cart(p_reservations);
  if v_cart.refusal = 'INVALID_REQUEST' then
    return ticketing.refused_cart('INVALID_REQUEST', 'p_reservations must be a list of 1 to 50 {tier_id, quantity}.');
  elsif v_cart.refusal is not null then
    return ticketing.refused_cart(v_cart.refusal);
  end if;
  v_caller := ticketing.caller();
  v_user_id := coalesce(p_user_id, v_caller.user_id);
  -- The sessions that the service role's own holds are marked by are nobody else's.
  if not v_caller.is_trusted and (v_user_id is distinct from v_caller.user_id or p_session_id like 'service:%') then
    return ticketing.refused_cart('FORBIDDEN');
  end if;
  -- Whoever knows a guest's session owns it; a user's is that user's alone, in every tier.
  if p_session_id is not null then
    if exists (
        select from public.ticket_holds h where h.session_id = p_session_id and h.status = 'active'
          and h.user_id <> coalesce(v_user_id, '00000000-0000-0000-0000-000000000000')) then
      return ticketing.refused_cart('FORBIDDEN');
    end if;
  end if;

  return ticketing.hold_tiers(p_session_id, v_user_id, null, v_cart.tier_ids, v_cart.quantities,
    case when v_caller.is_trusted then make_interval(mins => p_expires_minutes)
      else least(make_interval(mins => p_expires_minutes), (select s.hold_lifetime from ticketing.settings s)) end);
end
$$;
