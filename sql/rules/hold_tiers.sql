-- hold_tiers: hold every asked tier for one session, or none of them. The one place that decides about a hold.
--
-- p_tier_ids and p_quantities go together; a tier stands in them once, every quantity is 1 to 1000.
-- p_session_id null: a new session, whose id is made here and is as unguessable as a uuid.
-- p_email: with p_user_id, who the person is, for tiers with a limit per person.
-- Answers:
--   {success: true, session_id, user_id, expires_at, total_items, hold_ids, reservations: [{tier_id, hold_id, quantity, held,
--    remaining, expires_at}]}
--   {success: false, error_code, error, failed: [{tier_id, requested, available, error}]}; nothing is held
-- A session that holds a tier already gets more of the same hold; its end does not move.
-- Locks:  tiers, ascending id.
-- Writes: ticket_holds (due ones of a tier that seems sold out end first); the counters follow by trigger.
create or replace function ticketing.hold_tiers(
  p_session_id text, p_user_id uuid, p_email text, p_tier_ids uuid[], p_quantities integer[], p_lifetime interval
) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
-- Conditions that call a function or ask a table stand in an `if` of their own: as part of an `and` each cost a tenth of
-- a millisecond in every call, also where the first half was false.
declare
  v_now timestamptz := clock_timestamp();
  v_session_id text := coalesce(p_session_id, 'session:' || gen_random_uuid());
  v_judged record;
  v_held public.ticket_holds;
  v_held_ids uuid[] := '{}';
  v_failed jsonb := '[]';
  v_event_ids uuid[] := '{}';
  v_remaining integer[] := '{}';
  v_hold_ids uuid[] := '{}';
  v_expires_at timestamptz;
  v_reservations jsonb := '[]';
  v_total integer := 0;
begin
  -- A tier that is sold out and has no due hold is refused at once: that answer never queues behind the buyers.
  for i in 1 .. cardinality(p_tier_ids) loop
    select * into v_judged from ticketing.judge_tier(p_tier_ids[i], p_quantities[i], 0, v_now);
    if v_judged.refusal is not null then
      if v_judged.refusal = 'INSUFFICIENT_TICKETS' then
        -- Looked at once more where nothing is due: what was due may have ended between the two looks, and then there is
        -- room. The room is seen from the second judgement on.
        if ticketing.has_due_holds(p_tier_ids[i], v_now) then
          continue;
        end if;
        select * into v_judged from ticketing.judge_tier(p_tier_ids[i], p_quantities[i], 0, v_now);
      end if;
      if v_judged.refusal is not null then
        v_failed := v_failed || ticketing.failed_tier(p_tier_ids[i], p_quantities[i], v_judged.available, v_judged.refusal);
      end if;
    end if;
  end loop;
  if v_failed <> '[]' then
    return ticketing.refused_tiers(v_failed);
  end if;

  perform ticketing.lock_tiers(p_tier_ids);
  v_now := clock_timestamp();

  for i in 1 .. cardinality(p_tier_ids) loop
    v_held := null;
    if p_session_id is not null then
      -- `is not distinct from` keeps the planner off the index of all living holds while the table is not analyzed.
      select * into v_held from public.ticket_holds h
        where h.session_id = p_session_id and h.tier_id is not distinct from p_tier_ids[i] and h.status = 'active';
      if v_held.expires_at <= v_now then
        update public.ticket_holds set status = 'expired', ended_at = v_now where id = v_held.id;
        v_held := null;
      end if;
    end if;
    select * into v_judged
      from ticketing.judge_tier(p_tier_ids[i], p_quantities[i], coalesce(v_held.quantity, 0), v_now);
    if v_judged.refusal = 'INSUFFICIENT_TICKETS' then
      if ticketing.make_room(p_tier_ids[i], v_now) then
        select * into v_judged
          from ticketing.judge_tier(p_tier_ids[i], p_quantities[i], coalesce(v_held.quantity, 0), v_now);
      end if;
    end if;
    -- What is being paid for neither grows nor moves.
    if v_held.order_id is not null then
      v_judged.refusal := 'FORBIDDEN';
    end if;
    if v_judged.refusal is null and v_judged.max_per_person is not null then
      if p_user_id is null and p_email is null then
        v_judged.refusal := 'PERSON_REQUIRED';
      elsif p_quantities[i] + ticketing.person_quantity(v_judged.event_id, p_tier_ids[i], p_user_id, p_email, v_now)
          > v_judged.max_per_person then
        v_judged.refusal := 'LIMIT_EXCEEDED';
      end if;
    end if;
    -- Whoever knows a guest's session id owns it; a signed-in user's is that user's alone.
    if v_held.user_id <> p_user_id or v_held.user_id is not null and p_user_id is null then
      v_judged.refusal := 'FORBIDDEN';
    end if;
    if v_judged.refusal is not null then
      v_failed := v_failed || ticketing.failed_tier(p_tier_ids[i], p_quantities[i], v_judged.available, v_judged.refusal);
    end if;
    v_held_ids := v_held_ids || v_held.id;
    v_event_ids := v_event_ids || v_judged.event_id;
    v_remaining := v_remaining || (v_judged.available - p_quantities[i]);
  end loop;
  if v_failed <> '[]' then
    return ticketing.refused_tiers(v_failed);
  end if;

  -- The lock decides between more of a hold and a new one, so the unique index is a protection, not a crutch.
  for i in 1 .. cardinality(p_tier_ids) loop
    if v_held_ids[i] is null then
      insert into public.ticket_holds (event_id, tier_id, session_id, user_id, quantity, expires_at)
        values (v_event_ids[i], p_tier_ids[i], v_session_id, p_user_id, p_quantities[i], v_now + p_lifetime)
        returning * into v_held;
    else
      update public.ticket_holds h set quantity = h.quantity + p_quantities[i], user_id = coalesce(h.user_id, p_user_id)
        where h.id = v_held_ids[i] returning * into v_held;
    end if;
    v_hold_ids := v_hold_ids || v_held.id;
    v_total := v_total + p_quantities[i];
    v_expires_at := least(v_expires_at, v_held.expires_at);
    v_reservations := v_reservations || jsonb_build_object('tier_id', v_held.tier_id, 'hold_id', v_held.id,
      'quantity', p_quantities[i], 'held', v_held.quantity, 'remaining', v_remaining[i], 'expires_at', v_held.expires_at);
  end loop;
  return jsonb_build_object('success', true, 'session_id', v_session_id, 'user_id', p_user_id, 'expires_at', v_expires_at,
    'total_items', v_total, 'hold_ids', to_jsonb(v_hold_ids), 'reservations', v_reservations);
exception
  when check_violation then
    -- A protection behind this function refused: too few were left after all.
    return ticketing.refused_tiers((
      select jsonb_agg(ticketing.failed_tier(a.tier_id, a.quantity, j.available, 'INSUFFICIENT_TICKETS'))
      from unnest(p_tier_ids, p_quantities) as a(tier_id, quantity),
           ticketing.judge_tier(a.tier_id, a.quantity, 0, v_now) j));
  -- The unique index refused: the session's hold began beside this call, and the next try adds to it.
  when lock_not_available or deadlock_detected or unique_violation then
    return ticketing.refused_cart('LOCK_TIMEOUT');
end
$$;

-- make_room: end the due holds of a tier that seems sold out; true where there were any. The caller has the tier's lock.
create or replace function ticketing.make_room(p_tier_id uuid, p_now timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.expire_due_holds(p_tier_id, p_now, 1000) > 0;
end
$$;

create or replace function ticketing.failed_tier(p_tier_id uuid, p_requested integer, p_available integer, p_refusal text)
returns jsonb language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'tier_id', p_tier_id, 'requested', p_requested, 'available', p_available, 'error', p_refusal)
$$;

-- refused_tiers: the answer for a cart; its code is the first of the documented precedence among its tiers.
create or replace function ticketing.refused_tiers(p_failed jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select ticketing.refused_cart(f ->> 'error', null, p_failed)
  from jsonb_array_elements(p_failed) f order by ticketing.refusal_rank(f ->> 'error') limit 1
$$;
