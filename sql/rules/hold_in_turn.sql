-- hold_in_turn: decide about requests that read_requests has read, in order of arrival. The caller has the locks of the tiers
-- that they want, but not of those in p_busy_ids.
--
-- Plain requests are judged and written a tier at once (hold_run). A cart, or a tier with a limit per person, is looked up by
-- itself, in its place between the others; with p_is_one_by_one each request is.
-- Answers by place.
-- Writes: ticket_holds; the counters follow by trigger.
create or replace function ticketing.hold_in_turn(p_requests record, p_busy_ids uuid[], p_is_one_by_one boolean) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answers jsonb[] := p_requests.answers;
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
        p_requests.user_ids, p_requests.expires_minutes, p_requests.trusted, p_requests.caller_ids, p_requests.are_plain,
        p_requests.answers) with ordinality
      as r(tier_id, quantity, cart, session_id, user_id, minutes, is_trusted, caller_id, is_plain, answer, place)
    where r.answer is null and (p_is_one_by_one or not r.is_plain or r.tier_id = any (v_limited_ids)) order by r.place
  loop
    v_answers := ticketing.hold_run(p_requests, v_answers, v_from, v_request.place::integer - 1, p_busy_ids);
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
    if p_request.is_plain and p_request.tier_id = any (p_busy_ids) then
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

-- hold_run: what the plain requests from one place to another get. Their order matters within a tier only, as each is of a
-- session of its own.
create or replace function ticketing.hold_run(
  p_requests record, p_answers jsonb[], p_from integer, p_to integer, p_busy_ids uuid[]) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answers jsonb[] := p_answers;
  v_part record;
  v_new jsonb[];
begin
  for v_part in
    select r.tier_id, array_agg(r.place order by r.place) as places, array_agg(r.quantity order by r.place) as quantities,
      array_agg(r.is_trusted order by r.place) as trusted, array_agg(r.caller_id order by r.place) as caller_ids
    from unnest(p_requests.tier_ids, p_requests.quantities, p_requests.trusted, p_requests.caller_ids, p_answers) with ordinality
      as r(tier_id, quantity, is_trusted, caller_id, answer, place)
    where r.place between p_from and p_to and r.answer is null group by r.tier_id
  loop
    v_new := case when v_part.tier_id = any (p_busy_ids)
      then array_fill(ticketing.refused_one('LOCK_TIMEOUT', 0), array[cardinality(v_part.places)])
      else ticketing.hold_each(v_part.tier_id, v_part.quantities, v_part.trusted, v_part.caller_ids) end;
    if cardinality(v_new) = cardinality(v_answers) then
      return v_new;
    end if;
    for i in 1 .. cardinality(v_new) loop
      v_answers[v_part.places[i]] := v_new[i];
    end loop;
  end loop;
  return v_answers;
end
$$;

-- hold_each: batch insert: hold some of one tier for each of many callers, in a new session each, or refuse it. The caller has the
-- tier's lock, and the tier no limit per person. Answers as reserve_one does, in order.
create or replace function ticketing.hold_each(
  p_tier_id uuid, p_quantities integer[], p_trusted boolean[], p_user_ids uuid[]) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_ends_at timestamptz := v_now + interval '15 minutes';
  v_judged record := ticketing.judge_in_turn(p_tier_id, p_quantities, v_now);
  v_ids uuid[];
  v_session_ids text[];
begin
  -- Even a statement that inserts nothing fires the triggers.
  if cardinality(array_positions(v_judged.refusals, null)) > 0 then
    v_ids := array(select ticketing.uuid_v7() from unnest(p_quantities));
    v_session_ids := array(
      select ticketing.session_id(case when r.is_trusted then 'service' else 'session' end)
      from unnest(p_trusted) with ordinality as r(is_trusted, place) order by r.place);
    insert into public.ticket_holds (id, event_id, tier_id, session_id, user_id, quantity, expires_at)
      select r.id, v_judged.event_id, p_tier_id, r.session_id, r.user_id, r.quantity, v_ends_at
      from unnest(v_ids, v_session_ids, p_user_ids, p_quantities, v_judged.refusals)
        as r(id, session_id, user_id, quantity, refusal)
      where r.refusal is null;
  end if;
  return array(
    select case when r.refusal is null
      then jsonb_build_object('success', true, 'session_id', r.session_id, 'hold_id', r.id, 'expires_at', v_ends_at,
        'remaining', r.available)
      else ticketing.refused_one(r.refusal, r.available) end
    from unnest(v_ids, v_session_ids, v_judged.refusals, v_judged.available) with ordinality
      as r(id, session_id, refusal, available, place) order by r.place);
end
$$;

-- judge_in_turn: judge_tier for requests in their order, each after what those before it take. The caller has the tier's lock.
--   refusals   by place, null where it may be held
--   available  by place, what is left after it
-- A tier that seems sold out ends its due holds first.
-- Writes: ticket_holds (due ones).
create or replace function ticketing.judge_in_turn(
  p_tier_id uuid, p_quantities integer[], p_now timestamptz, out event_id uuid, out refusals text[], out available integer[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_tier record := ticketing.read_tier(p_tier_id);
  v_left integer := v_tier.available;
  v_sum bigint := (select sum(q.quantity) from unnest(p_quantities) as q(quantity));
  v_greatest integer := (select max(q.quantity) from unnest(p_quantities) as q(quantity));
  v_taken integer := 0;
  v_may_be_due boolean := true;
begin
  event_id := v_tier.event_id;
  -- Where even the greatest fits after all others, each fits in its turn.
  v_tier.available := v_left - (v_sum - v_greatest);
  if ticketing.judge_tier(v_tier, v_greatest, 0, p_now) is null then
    refusals := array_fill(null::text, array[cardinality(p_quantities)]);
    available := array(
      select v_left - sum(q.quantity) over (order by q.place)
      from unnest(p_quantities) with ordinality as q(quantity, place) order by q.place);
    return;
  end if;
  for i in 1 .. cardinality(p_quantities) loop
    v_tier.available := v_left;
    refusals[i] := ticketing.judge_tier(v_tier, p_quantities[i], 0, p_now);
    if refusals[i] = 'INSUFFICIENT_TICKETS' and v_may_be_due then
      v_may_be_due := ticketing.make_room(p_tier_id, p_now);
      if v_may_be_due then
        v_tier := ticketing.read_tier(p_tier_id);
        -- What those before it take is not written yet.
        v_left := v_tier.available - v_taken;
        v_tier.available := v_left;
        refusals[i] := ticketing.judge_tier(v_tier, p_quantities[i], 0, p_now);
      end if;
    end if;
    if refusals[i] is null then
      v_left := v_left - p_quantities[i];
      v_taken := v_taken + p_quantities[i];
    end if;
    available[i] := greatest(v_left, 0);
  end loop;
end
$$;
