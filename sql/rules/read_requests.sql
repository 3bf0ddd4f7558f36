-- read_requests: the requests as arrays of one length, and what can be said before a lock.
--   are_plain   those for one tier, by reserve_tickets_atomically, whose quantity can be one
--   answers     the answers of those that are refused already, JSON's null of those that the batch may not speak for, else null
--   wanted_ids  the tiers whose locks the others need, ascending
create or replace function ticketing.read_requests(
  p_tier_ids uuid[], p_quantities integer[], p_carts jsonb[], p_session_ids text[], p_user_ids uuid[],
  p_expires_minutes integer[], p_roles text[], p_caller_ids uuid[],
  out tier_ids uuid[], out quantities integer[], out carts jsonb[], out session_ids text[], out user_ids uuid[],
  out expires_minutes integer[], out trusted boolean[], out caller_ids uuid[],
  out are_plain boolean[], out answers jsonb[], out wanted_ids uuid[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_count integer := cardinality(p_tier_ids);
  v_request record;
  v_callers record;
begin
  if (v_count between 1 and 1000) is not true or v_count <> any (array[coalesce(cardinality(p_quantities), 0),
      coalesce(cardinality(p_carts), v_count), coalesce(cardinality(p_session_ids), v_count),
      coalesce(cardinality(p_user_ids), v_count), coalesce(cardinality(p_expires_minutes), v_count),
      coalesce(cardinality(p_roles), v_count), coalesce(cardinality(p_caller_ids), v_count)]) then
    raise exception 'the arrays of requests must be of one length, from 1 to 1000' using errcode = '22023';
  end if;
  tier_ids := p_tier_ids;
  quantities := p_quantities;
  carts := p_carts;
  session_ids := p_session_ids;
  user_ids := p_user_ids;
  expires_minutes := coalesce(p_expires_minutes, array_fill(15, array[v_count]));
  v_callers := ticketing.batched_callers(coalesce(p_roles, array_fill('anon'::text, array[v_count])), p_carts);
  trusted := v_callers.trusted;
  caller_ids := p_caller_ids;
  are_plain := array(
    select coalesce(r.is_served and r.cart is null and r.tier_id is not null and r.quantity between 1 and 1000, false)
    from unnest(p_tier_ids, p_quantities, p_carts, v_callers.are_served) with ordinality
      as r(tier_id, quantity, cart, is_served, place) order by r.place);
  answers := ticketing.answer_at_once(tier_ids, quantities, are_plain);
  if false = any (v_callers.are_served) then
    answers := array(
      select case when r.is_served then r.answer else 'null' end
      from unnest(answers, v_callers.are_served) with ordinality as r(answer, is_served, place) order by r.place);
  end if;
  wanted_ids := array(
    select r.tier_id from unnest(tier_ids, are_plain, answers) as r(tier_id, is_plain, answer)
    where r.is_plain and r.answer is null);
  for v_request in
    select r.trusted as is_trusted, r.caller_id as user_id, r.cart, r.session_id, r.named_user_id, r.minutes
    from unnest(carts, session_ids, user_ids, expires_minutes, trusted, caller_ids, answers)
      as r(cart, session_id, named_user_id, minutes, trusted, caller_id, answer)
    where r.cart is not null and r.answer is null
  loop
    wanted_ids := wanted_ids || coalesce((ticketing.read_cart(v_request.cart)).tier_ids, '{}');
  end loop;
  wanted_ids := array(select distinct w.id from unnest(wanted_ids) as w(id) order by w.id);
end
$$;

-- answer_at_once: by place, the refusals that need no lock: of tiers of which even the smallest that is asked is refused. What is
-- asked of another tier waits its turn, also what is too much: what is left then is part of the answer.
create or replace function ticketing.answer_at_once(p_tier_ids uuid[], p_quantities integer[], p_are_plain boolean[])
returns jsonb[] language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answers jsonb[] := array_fill(null::jsonb, array[cardinality(p_tier_ids)]);
  v_tier record;
  v_failed jsonb;
  v_refused jsonb[];
begin
  for v_tier in
    select r.tier_id as id, array_agg(distinct r.quantity order by r.quantity) as quantities
    from unnest(p_tier_ids, p_quantities, p_are_plain) as r(tier_id, quantity, is_plain) where r.is_plain group by r.tier_id
  loop
    v_refused := '{}';
    for i in 1 .. cardinality(v_tier.quantities) loop
      v_failed := ticketing.refused_at_once(array[v_tier.id], v_tier.quantities[i:i], clock_timestamp());
      exit when v_failed = '[]';
      v_refused := v_refused || ticketing.refused_one(v_failed #>> '{0,error}', (v_failed #>> '{0,available}')::integer);
    end loop;
    if v_failed <> '[]' then
      v_answers := array(
        select case when r.is_plain and r.tier_id = v_tier.id
          then v_refused[array_position(v_tier.quantities, r.quantity)] else r.answer end
        from unnest(p_tier_ids, p_quantities, p_are_plain, v_answers) with ordinality
          as r(tier_id, quantity, is_plain, answer, place) order by r.place);
    end if;
  end loop;
  return v_answers;
end
$$;
