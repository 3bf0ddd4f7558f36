-- reserve_cart: what reserve_tickets_batch answers to a caller, whoever passes the call on.
--
-- Answers as the verb does.
-- Locks:  tiers, ascending id.
-- Writes: ticket_holds (a row a tier); the counters follow by trigger.
create or replace function ticketing.reserve_cart(
  p_caller record, p_reservations jsonb, p_session_id text, p_user_id uuid, p_expires_minutes integer) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_cart record := ticketing.judge_cart(p_caller, p_reservations, p_session_id, p_user_id, p_expires_minutes);
begin
  if v_cart.refusal is not null then
    return v_cart.refusal;
  end if;
  return ticketing.hold_tiers(p_session_id, v_cart.user_id, null, v_cart.tier_ids, v_cart.quantities, v_cart.lifetime);
end
$$;

-- judge_cart: may this caller ask for these holds, before any tier is looked at?
--   refusal               the whole answer where it may not, else null
--   tier_ids, quantities  each tier once; also where the refusal is FORBIDDEN
--   user_id, lifetime     whose the holds are, and for how long
create or replace function ticketing.judge_cart(
  p_caller record, p_reservations jsonb, p_session_id text, p_user_id uuid, p_expires_minutes integer,
  out refusal jsonb, out tier_ids uuid[], out quantities integer[], out user_id uuid, out lifetime interval)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_cart record;
begin
  if p_expires_minutes is null or p_expires_minutes not between 1 and 60 then
    refusal := ticketing.refused_cart('INVALID_REQUEST', 'p_expires_minutes must be 1 to 60.');
    return;
  end if;
  if length(p_session_id) not between 1 and 200 then
    refusal := ticketing.refused_cart('INVALID_REQUEST', 'p_session_id must have 1 to 200 characters.');
    return;
  end if;
  v_cart := ticketing.read_cart(p_reservations);
  if v_cart.refusal = 'INVALID_REQUEST' then
    refusal := ticketing.refused_cart('INVALID_REQUEST', 'p_reservations must be a list of 1 to 50 {tier_id, quantity}.');
    return;
  elsif v_cart.refusal is not null then
    refusal := ticketing.refused_cart(v_cart.refusal);
    return;
  end if;
  tier_ids := v_cart.tier_ids;
  quantities := v_cart.quantities;
  user_id := coalesce(p_user_id, p_caller.user_id);
  lifetime := make_interval(mins => p_expires_minutes);
  if not p_caller.is_trusted then
    lifetime := least(lifetime, (select s.hold_lifetime from ticketing.settings s));
  end if;
  -- The sessions that the service role's own holds are marked by are nobody else's.
  if not p_caller.is_trusted and (user_id is distinct from p_caller.user_id or p_session_id like 'service:%') then
    refusal := ticketing.refused_cart('FORBIDDEN');
    return;
  end if;
  -- Whoever knows a guest's session owns it; a user's is that user's alone, in every tier.
  if p_session_id is not null then
    if exists (
        select from public.ticket_holds h where h.session_id = p_session_id and h.status = 'active'
          and h.user_id <> coalesce(judge_cart.user_id, '00000000-0000-0000-0000-000000000000')) then
      refusal := ticketing.refused_cart('FORBIDDEN');
    end if;
  end if;
end
$$;
