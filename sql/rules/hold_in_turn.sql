-- hold_in_turn: decide about requests that read_requests has read, in order of arrival. The caller has the locks of the tiers
-- that they want, but not of those in p_busy_ids.
--
-- Single requests are judged and written a tier at once (hold_run). A cart of several tiers, a session that holds something, and a
-- tier with a limit per person, are looked up by themselves, in their place between the others; with p_is_one_by_one each is.
-- Answers by place.
-- Writes: ticket_holds; the counters follow by trigger.
create or replace function ticketing.hold_in_turn(p_requests record, p_busy_ids uuid[], p_is_one_by_one boolean) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answers jsonb[] := p_requests.answers;
  v_known text[] := ticketing.holding_sessions(p_requests.session_ids);
  v_limited_ids uuid[] := '{}';
  v_tier_id uuid;
  v_tier record;
  v_from integer := 1;
  v_request record;
begin
  foreach v_tier_id in array p_requests.wanted_ids loop
    v_tier := ticketing.read_tier(v_tier_id);
    if v_tier.max_per_person is not null then
      v_limited_ids := v_limited_ids || v_tier_id;
    end if;
  end loop;
  for v_request in
    select r.* from unnest(p_requests.tier_ids, p_requests.quantities, p_requests.carts, p_requests.session_ids,
        p_requests.user_ids, p_requests.expires_minutes, p_requests.trusted, p_requests.caller_ids, p_requests.are_single,
        p_requests.answers) with ordinality
      as r(tier_id, quantity, cart, session_id, user_id, minutes, is_trusted, caller_id, is_single, answer, place)
    where r.answer is null and (p_is_one_by_one or not r.is_single or r.tier_id = any (v_limited_ids)
      or r.session_id = any (v_known)) order by r.place
  loop
    if v_from < v_request.place then
      v_answers := ticketing.hold_run(p_requests, v_answers, v_from, v_request.place::integer - 1, p_busy_ids);
    end if;
    v_answers[v_request.place] := ticketing.hold_alone(v_request, p_busy_ids);
    v_from := v_request.place + 1;
  end loop;
  return ticketing.hold_run(p_requests, v_answers, v_from, cardinality(v_answers), p_busy_ids);
end
$$;

-- hold_alone: what the verb of one request answers; where it needs a tier that is busy, LOCK_TIMEOUT, without another wait.
create or replace function ticketing.hold_alone(p_request record, p_busy_ids uuid[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record;
  v_cart record;
begin
  select coalesce(p_request.is_trusted, false) as is_trusted, p_request.caller_id as user_id into v_caller;
  if p_request.cart is null then
    if p_request.is_single and p_request.tier_id = any (p_busy_ids) then
      return ticketing.refused_one('LOCK_TIMEOUT', 0);
    end if;
    return ticketing.reserve_one(v_caller, p_request.tier_id, p_request.quantity);
  end if;
  if p_busy_ids <> '{}' then
    v_cart := ticketing.judge_cart(
      v_caller, p_request.cart, p_request.session_id, p_request.user_id, p_request.minutes);
    if v_cart.refusal is null and v_cart.tier_ids && p_busy_ids then
      return ticketing.refused_cart('LOCK_TIMEOUT');
    end if;
  end if;
  return ticketing.reserve_cart(v_caller, p_request.cart, p_request.session_id, p_request.user_id, p_request.minutes);
end
$$;

-- hold_run: what the single requests from one place to another get. Their order matters within a tier only, as each is of a
-- session of its own.
create or replace function ticketing.hold_run(
  p_requests record, p_answers jsonb[], p_from integer, p_to integer, p_busy_ids uuid[]) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answers jsonb[] := p_answers;
  v_part record;
  v_new jsonb[];
begin
  if cardinality(p_requests.wanted_ids) = 1 and p_busy_ids = '{}' and p_from = 1 and p_to = cardinality(v_answers)
      and cardinality(array_positions(v_answers, null)) = p_to then
    -- All of one tier: the arrays are as they are.
    select p_requests.wanted_ids[1] as tier_id, p_requests.quantities as quantities,
        array(select c.cart is not null from unnest(p_requests.carts, v_answers) with ordinality as c(cart, answer, place)
          order by c.place) as are_carts,
        p_requests.session_ids as session_ids, p_requests.owner_ids as owner_ids, p_requests.lifetimes as lifetimes,
        p_requests.trusted as trusted
      into v_part;
    return ticketing.hold_each(v_part);
  end if;
  for v_part in
    select r.tier_id, array_agg(r.quantity order by r.place) as quantities,
      array_agg(r.cart is not null order by r.place) as are_carts, array_agg(r.session_id order by r.place) as session_ids,
      array_agg(r.owner_id order by r.place) as owner_ids, array_agg(r.lifetime order by r.place) as lifetimes,
      array_agg(r.is_trusted order by r.place) as trusted, array_agg(r.place order by r.place) as places
    from unnest(p_requests.tier_ids, p_requests.quantities, p_requests.carts, p_requests.session_ids, p_requests.owner_ids,
        p_requests.lifetimes, p_requests.trusted, p_answers) with ordinality
      as r(tier_id, quantity, cart, session_id, owner_id, lifetime, is_trusted, answer, place)
    where r.place between p_from and p_to and r.answer is null group by r.tier_id
  loop
    v_new := case when v_part.tier_id = any (p_busy_ids)
      then array(select case when c.is_cart then ticketing.refused_cart('LOCK_TIMEOUT')
        else ticketing.refused_one('LOCK_TIMEOUT', 0) end from unnest(v_part.are_carts) as c(is_cart))
      else ticketing.hold_each(v_part) end;
    for i in 1 .. cardinality(v_new) loop
      v_answers[v_part.places[i]] := v_new[i];
    end loop;
  end loop;
  return v_answers;
end
$$;
