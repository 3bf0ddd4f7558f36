-- hold_each: batch insert: hold some of one tier for each of many requests, in a session of its own each, or refuse it. The caller
-- has the tier's lock; the tier has no limit per person, and a session that is named holds nothing.
-- p_part: {tier_id, quantities, are_carts, session_ids, owner_ids, lifetimes, trusted} of hold_run.
-- Answers in order: of a cart as hold_tiers does, else as reserve_one does.
create or replace function ticketing.hold_each(p_part record) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_judged record := ticketing.judge_in_turn(p_part.tier_id, p_part.quantities, v_now);
  v_ids uuid[];
  v_session_ids text[];
begin
  -- Even a statement that inserts nothing fires the triggers.
  if cardinality(array_positions(v_judged.refusals, null)) > 0 then
    v_ids := array(select ticketing.uuid_v7() from unnest(p_part.quantities));
    v_session_ids := array(
      select coalesce(r.session_id,
        ticketing.session_id(case when r.is_trusted and not r.is_cart then 'service' else 'session' end, r.id))
      from unnest(v_ids, p_part.session_ids, p_part.trusted, p_part.are_carts) with ordinality
        as r(id, session_id, is_trusted, is_cart, place) order by r.place);
    insert into public.ticket_holds (id, event_id, tier_id, session_id, user_id, quantity, expires_at)
      select r.id, v_judged.event_id, p_part.tier_id, r.session_id, r.owner_id, r.quantity,
        v_now + coalesce(r.lifetime, interval '15 minutes')
      from unnest(v_ids, v_session_ids, p_part.owner_ids, p_part.quantities, p_part.lifetimes, v_judged.refusals)
        as r(id, session_id, owner_id, quantity, lifetime, refusal)
      where r.refusal is null;
  end if;
  return array(
    select case
      when r.refusal is not null and r.is_cart then ticketing.refused_tiers(
        jsonb_build_array(ticketing.failed_tier(p_part.tier_id, r.quantity, r.available, r.refusal)))
      when r.refusal is not null then ticketing.refused_one(r.refusal, r.available)
      when r.is_cart then jsonb_build_object('success', true, 'session_id', r.session_id, 'user_id', r.owner_id,
        'expires_at', e.ends_at, 'total_items', r.quantity, 'hold_ids', jsonb_build_array(r.id),
        'reservations', jsonb_build_array(jsonb_build_object('tier_id', p_part.tier_id, 'hold_id', r.id, 'quantity', r.quantity,
          'held', r.quantity, 'remaining', r.available, 'expires_at', e.ends_at)))
      else jsonb_build_object('success', true, 'session_id', r.session_id, 'hold_id', r.id, 'expires_at', e.ends_at,
        'remaining', r.available) end
    from unnest(v_ids, v_session_ids, p_part.owner_ids, p_part.quantities, p_part.lifetimes, p_part.are_carts,
        v_judged.refusals, v_judged.available) with ordinality
      as r(id, session_id, owner_id, quantity, lifetime, is_cart, refusal, available, place)
    cross join lateral (select v_now + coalesce(r.lifetime, interval '15 minutes') as ends_at) e
    order by r.place);
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
