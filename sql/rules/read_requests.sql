-- read_requests: the requests as arrays of one length, and what can be said before a lock. A request is single where it is of one
-- tier, by either verb, and neither its caller nor its numbers have it refused: what it gets is then the tier's to say, if a
-- session that it names holds nothing yet.
--   tier_ids, quantities  of requests for one tier
--   session_ids           as carts name them
--   owner_ids, lifetimes  whose the hold will be, and for how long (null: 15 minutes)
--   answers     the answers of those that are refused already, JSON's null of those that the batch may not speak for, else null
--   wanted_ids  the tiers whose locks the others need, ascending
create or replace function ticketing.read_requests(
  p_tier_ids uuid[], p_quantities integer[], p_carts jsonb[], p_session_ids text[], p_user_ids uuid[],
  p_expires_minutes integer[], p_roles text[], p_caller_ids uuid[],
  out tier_ids uuid[], out quantities integer[], out carts jsonb[], out session_ids text[], out user_ids uuid[],
  out expires_minutes integer[], out trusted boolean[], out caller_ids uuid[],
  out owner_ids uuid[], out lifetimes interval[], out are_single boolean[], out answers jsonb[], out wanted_ids uuid[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_count integer := cardinality(p_tier_ids);
  v_callers record;
  v_lines record;
  v_may_be_single boolean[];
begin
  if (v_count between 1 and 1000) is not true or v_count <> any (array[coalesce(cardinality(p_quantities), 0),
      coalesce(cardinality(p_carts), v_count), coalesce(cardinality(p_session_ids), v_count),
      coalesce(cardinality(p_user_ids), v_count), coalesce(cardinality(p_expires_minutes), v_count),
      coalesce(cardinality(p_roles), v_count), coalesce(cardinality(p_caller_ids), v_count)]) then
    raise exception 'the arrays of requests must be of one length, from 1 to 1000' using errcode = '22023';
  end if;
  tier_ids := p_tier_ids;
  quantities := p_quantities;
  caller_ids := p_caller_ids;
  owner_ids := p_caller_ids;
  v_callers := ticketing.batched_callers(p_roles, p_carts, v_count);
  trusted := v_callers.trusted;
  wanted_ids := '{}';
  if cardinality(array_positions(p_carts, null)) < v_count then
    carts := p_carts;
    user_ids := p_user_ids;
    expires_minutes := coalesce(p_expires_minutes, array_fill(15, array[v_count]));
    v_lines := ticketing.read_lines(
      p_tier_ids, p_quantities, p_carts, p_session_ids, p_user_ids, expires_minutes, trusted, p_caller_ids);
    tier_ids := v_lines.tier_ids;
    quantities := v_lines.quantities;
    session_ids := v_lines.session_ids;
    owner_ids := v_lines.owner_ids;
    lifetimes := v_lines.lifetimes;
    v_may_be_single := v_lines.may_be_single;
    wanted_ids := v_lines.more_tier_ids;
  end if;
  are_single := array(
    select r.is_served and r.tier_id is not null and coalesce(r.quantity between 1 and 1000, false)
      and coalesce(r.may_be_single, true)
    from unnest(tier_ids, quantities, v_may_be_single, v_callers.are_served) with ordinality
      as r(tier_id, quantity, may_be_single, is_served, place) order by r.place);
  answers := ticketing.answer_at_once(tier_ids, quantities, carts, session_ids, are_single);
  if false = any (v_callers.are_served) then
    answers := array(
      select case when r.is_served then r.answer else 'null' end
      from unnest(answers, v_callers.are_served) with ordinality as r(answer, is_served, place) order by r.place);
  end if;
  wanted_ids := array(
    select r.tier_id from unnest(tier_ids, carts, are_single, answers) as r(tier_id, cart, is_single, answer)
      where r.answer is null and r.tier_id is not null and (r.is_single or r.cart is not null)
    union select w.id from unnest(wanted_ids) as w(id)
    order by 1);
end
$$;

-- read_lines: requests of both verbs as lines of one tier; what judge_cart says before it looks at holds, of all at once.
--   tier_ids       of carts of several tiers: null
--   may_be_single  false where judge_cart refuses the cart, or its session has another request in the batch
--   more_tier_ids  of the carts of several tiers
create or replace function ticketing.read_lines(
  p_tier_ids uuid[], p_quantities integer[], p_carts jsonb[], p_session_ids text[], p_user_ids uuid[],
  p_expires_minutes integer[], p_trusted boolean[], p_caller_ids uuid[],
  out tier_ids uuid[], out quantities integer[], out session_ids text[], out owner_ids uuid[], out lifetimes interval[],
  out may_be_single boolean[], out more_tier_ids uuid[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_lifetime interval := (select s.hold_lifetime from ticketing.settings s);
  v_repeated text[] := array(
    select r.session_id from unnest(p_session_ids, p_carts) as r(session_id, cart)
    where r.cart is not null and r.session_id is not null group by r.session_id having count(*) > 1);
begin
  select array_agg(l.tier_id order by l.place), array_agg(l.quantity order by l.place), array_agg(l.session_id order by l.place),
      array_agg(l.owner_id order by l.place), array_agg(l.lifetime order by l.place), array_agg(l.may_be_single order by l.place)
    into tier_ids, quantities, session_ids, owner_ids, lifetimes, may_be_single
    from (
      select r.place,
        case when r.cart is null then r.tier_id when k.refusal is null and cardinality(k.tier_ids) = 1 then k.tier_ids[1] end as tier_id,
        case when r.cart is null then r.quantity else k.quantities[1] end as quantity,
        case when r.cart is not null then r.session_id end as session_id,
        coalesce(case when r.cart is not null then r.user_id end, r.caller_id) as owner_id,
        case when r.cart is not null and r.is_trusted then make_interval(mins => r.minutes)
          when r.cart is not null then least(make_interval(mins => r.minutes), v_lifetime) end as lifetime,
        r.cart is null or coalesce(r.minutes between 1 and 60, false)
          and (r.session_id is null or length(r.session_id) between 1 and 200 and r.session_id <> all (v_repeated))
          and (coalesce(r.is_trusted, false) or (r.user_id is null or r.user_id is not distinct from r.caller_id)
            and coalesce(r.session_id not like 'service:%', true)) as may_be_single
      from unnest(p_tier_ids, p_quantities, p_carts, p_session_ids, p_user_ids, p_expires_minutes, p_trusted, p_caller_ids)
        with ordinality as r(tier_id, quantity, cart, session_id, user_id, minutes, is_trusted, caller_id, place)
      -- Many ask for the same: each cart is read once.
      left join (
        select d.cart, c.tier_ids, c.quantities, c.refusal
        from (select distinct u.cart from unnest(p_carts) as u(cart) where u.cart is not null) d
        cross join lateral ticketing.read_cart(d.cart) c) k on k.cart = r.cart) l;
  more_tier_ids := '{}';
  if cardinality(array_positions(tier_ids, null)) > 0 then
    more_tier_ids := array(
      select distinct t.id
      from (select distinct u.cart from unnest(p_carts) as u(cart) where u.cart is not null) d
      cross join lateral ticketing.read_cart(d.cart) c cross join lateral unnest(c.tier_ids) t(id)
      where c.refusal is null and cardinality(c.tier_ids) > 1);
  end if;
end
$$;

-- answer_at_once: by place, the refusals that need no lock: of tiers of which even the smallest that is asked is refused. What is
-- asked of another tier waits its turn, also what is too much: what is left then is part of the answer.
create or replace function ticketing.answer_at_once(
  p_tier_ids uuid[], p_quantities integer[], p_carts jsonb[], p_session_ids text[], p_are_single boolean[]) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answers jsonb[] := array_fill(null::jsonb, array[cardinality(p_tier_ids)]);
  v_tier record;
  v_failed jsonb;
  v_ones jsonb[];
  v_carts jsonb[];
  v_known text[];
begin
  for v_tier in
    select r.tier_id as id, array_agg(distinct r.quantity order by r.quantity) as quantities
    from unnest(p_tier_ids, p_quantities, p_are_single) as r(tier_id, quantity, is_single) where r.is_single group by r.tier_id
  loop
    v_ones := '{}';
    v_carts := '{}';
    for i in 1 .. cardinality(v_tier.quantities) loop
      v_failed := ticketing.refused_at_once(array[v_tier.id], v_tier.quantities[i:i], clock_timestamp());
      exit when v_failed = '[]';
      v_ones := v_ones || ticketing.refused_one(v_failed #>> '{0,error}', (v_failed #>> '{0,available}')::integer);
      v_carts := v_carts || ticketing.refused_tiers(v_failed);
    end loop;
    if v_failed <> '[]' then
      -- Whose session it is, is said before the tier is looked at.
      v_known := coalesce(v_known, ticketing.holding_sessions(p_session_ids));
      v_answers := array(
        select case when not (r.is_single and r.tier_id = v_tier.id) or r.session_id = any (v_known) then r.answer
          when r.cart is null then v_ones[array_position(v_tier.quantities, r.quantity)]
          else v_carts[array_position(v_tier.quantities, r.quantity)] end
        from unnest(p_tier_ids, p_quantities, p_carts, p_session_ids, p_are_single, v_answers) with ordinality
          as r(tier_id, quantity, cart, session_id, is_single, answer, place) order by r.place);
    end if;
  end loop;
  return v_answers;
end
$$;

-- holding_sessions: those of these sessions that hold something, lapsed or not.
-- Without sequential scans: the plan is kept, and made while the table is empty.
create or replace function ticketing.holding_sessions(p_session_ids text[]) returns text[]
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
  if coalesce(array_remove(p_session_ids, null), '{}') = '{}' then
    return '{}';
  end if;
  return array(
    select distinct h.session_id::text from public.ticket_holds h
    where h.session_id = any (array_remove(p_session_ids, null)) and h.status = 'active');
end
$$;
