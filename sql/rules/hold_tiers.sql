-- hold_tiers: hold every asked tier for one session, or none of them. The one place that decides about a hold.
--
-- p_tier_ids and p_quantities go together; a tier stands in them once, every quantity is 1 to 1000.
-- p_session_id null: a new session, whose id is made here and cannot be guessed.
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
  v_failed jsonb;
  v_session_id text := coalesce(p_session_id, ticketing.session_id('session'));
  v_tier record;
  v_held public.ticket_holds;
  v_refusal text;
  v_held_ids uuid[] := '{}';
  v_event_ids uuid[] := '{}';
  v_remaining integer[] := '{}';
begin
  v_failed := ticketing.refused_at_once(p_tier_ids, p_quantities, v_now);
  if v_failed <> '[]' then
    return ticketing.refused_tiers(v_failed);
  end if;
  perform ticketing.lock_tiers(p_tier_ids);
  v_now := clock_timestamp();
  for i in 1 .. cardinality(p_tier_ids) loop
    if p_session_id is not null then
      v_held := ticketing.read_or_expire_hold(p_session_id, p_tier_ids[i], v_now);
    end if;
    v_tier := ticketing.read_tier(p_tier_ids[i]);
    v_refusal := ticketing.judge_tier(v_tier, p_quantities[i], coalesce(v_held.quantity, 0), v_now);
    if v_refusal = 'INSUFFICIENT_TICKETS' then
      if ticketing.make_room(p_tier_ids[i], v_now) then
        v_tier := ticketing.read_tier(p_tier_ids[i]);
        v_refusal := ticketing.judge_tier(v_tier, p_quantities[i], coalesce(v_held.quantity, 0), v_now);
      end if;
    end if;
    if v_held.id is not null or v_tier.max_per_person is not null then
      v_held_ids[i] := v_held.id;
      v_refusal := ticketing.judge_holder(v_refusal, v_tier, p_quantities[i], v_held, p_user_id, p_email,
        case when v_refusal is null and v_tier.max_per_person is not null
          then ticketing.person_quantity(v_tier.event_id, p_tier_ids[i], p_user_id, p_email, v_now) end);
    end if;
    if v_refusal is not null then
      v_failed := v_failed || ticketing.failed_tier(p_tier_ids[i], p_quantities[i], v_tier.available, v_refusal);
    end if;
    v_event_ids := v_event_ids || v_tier.event_id;
    v_remaining := v_remaining || (v_tier.available - p_quantities[i]);
  end loop;
  if v_failed <> '[]' then
    return ticketing.refused_tiers(v_failed);
  end if;
  return ticketing.write_holds(v_session_id, p_user_id, v_event_ids, p_tier_ids, p_quantities, v_held_ids, v_remaining,
    v_now + p_lifetime);
exception
  when check_violation then
    -- A protection behind this function refused: too few were left after all.
    return ticketing.refused_tiers((
      select jsonb_agg(ticketing.failed_tier(a.tier_id, a.quantity, t.total_quantity - t.sold_quantity - t.reserved_quantity,
        'INSUFFICIENT_TICKETS'))
      from unnest(p_tier_ids, p_quantities) as a(tier_id, quantity)
      left join public.ticket_tiers t on t.id = a.tier_id));
  -- The unique index refused: the session's hold began beside this call, and the next try adds to it.
  when lock_not_available or deadlock_detected or unique_violation then
    return ticketing.refused_cart('LOCK_TIMEOUT');
end
$$;

-- refused_at_once: double-checked locking, the check before the lock: what is refused already, as failed_tier says it. So the
-- answer about a tier that is sold out and has no due hold never queues behind the buyers.
create or replace function ticketing.refused_at_once(p_tier_ids uuid[], p_quantities integer[], p_now timestamptz) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_tier record;
  v_refusal text;
  v_event_id uuid;
  v_failed jsonb := '[]';
begin
  for i in 1 .. cardinality(p_tier_ids) loop
    v_tier := ticketing.read_tier(p_tier_ids[i]);
    v_refusal := ticketing.judge_tier(v_tier, p_quantities[i], 0, p_now);
    v_event_id := coalesce(v_event_id, v_tier.event_id);
    -- Of another business: that first, whatever else is wrong with it.
    if v_tier.event_id <> v_event_id and ticketing.is_elsewhere(v_tier.event_id, v_event_id) then
      v_refusal := 'SEVERAL_BUSINESSES';
    end if;
    if v_refusal = 'INSUFFICIENT_TICKETS' then
      -- Nothing is due: read again, because what was due may have ended between the two reads. Where something is due, the
      -- judgement under the lock decides.
      if ticketing.has_due_holds(p_tier_ids[i], p_now) then
        continue;
      end if;
      v_tier := ticketing.read_tier(p_tier_ids[i]);
      v_refusal := ticketing.judge_tier(v_tier, p_quantities[i], 0, p_now);
    end if;
    if v_refusal is not null then
      v_failed := v_failed || ticketing.failed_tier(p_tier_ids[i], p_quantities[i], v_tier.available, v_refusal);
    end if;
  end loop;
  return v_failed;
end
$$;

-- is_elsewhere: whether two events are of two businesses. A cart is of one: another may live in another database.
create or replace function ticketing.is_elsewhere(p_event_id uuid, p_other_id uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select e.business_id from public.events e where e.id = p_event_id)
    <> (select e.business_id from public.events e where e.id = p_other_id);
end
$$;

-- read_or_expire_hold: what a session holds of a tier; null where that is nothing. One that has lapsed ends here. The caller
-- has the tier's lock.
create or replace function ticketing.read_or_expire_hold(p_session_id text, p_tier_id uuid, p_now timestamptz)
returns public.ticket_holds language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_held public.ticket_holds;
begin
  -- `is not distinct from` keeps the planner off the index of all living holds while the table is not analyzed.
  select * into v_held from public.ticket_holds h
    where h.session_id = p_session_id and h.tier_id is not distinct from p_tier_id and h.status = 'active';
  if v_held.expires_at <= p_now then
    update public.ticket_holds set status = 'expired', ended_at = p_now where id = v_held.id;
    return null;
  end if;
  return v_held;
end
$$;

-- write_holds: batch insert of what was judged, and the answer about it. All new holds are one statement, so its triggers
-- judge and count them once. The lock decides between more of a hold (p_held_ids) and a new one, so the unique index is a
-- protection, not a crutch.
create or replace function ticketing.write_holds(
  p_session_id text, p_user_id uuid, p_event_ids uuid[], p_tier_ids uuid[], p_quantities integer[], p_held_ids uuid[],
  p_remaining integer[], p_expires_at timestamptz) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_new public.ticket_holds[];
  v_hold public.ticket_holds;
  v_hold_ids uuid[] := '{}';
  v_expires_at timestamptz;
  v_reservations jsonb := '[]';
  v_total integer := 0;
begin
  if cardinality(p_tier_ids) = 1 then
    -- One row: most calls hold one tier, and a set of one costs them some per cent.
    if p_held_ids[1] is null then
      insert into public.ticket_holds (event_id, tier_id, session_id, user_id, quantity, expires_at)
        values (p_event_ids[1], p_tier_ids[1], p_session_id, p_user_id, p_quantities[1], p_expires_at) returning * into v_hold;
    end if;
  -- Even a statement that inserts nothing fires the triggers.
  elsif cardinality(array_remove(p_held_ids, null)) < cardinality(p_tier_ids) then
    for v_hold in
      insert into public.ticket_holds (event_id, tier_id, session_id, user_id, quantity, expires_at)
        select p_event_ids[n], p_tier_ids[n], p_session_id, p_user_id, p_quantities[n], p_expires_at
        from generate_series(1, cardinality(p_tier_ids)) n where p_held_ids[n] is null
        returning *
    loop
      v_new[array_position(p_tier_ids, v_hold.tier_id)] := v_hold;
    end loop;
  end if;
  for i in 1 .. cardinality(p_tier_ids) loop
    if p_held_ids[i] is not null then
      update public.ticket_holds h set quantity = h.quantity + p_quantities[i], user_id = coalesce(h.user_id, p_user_id)
        where h.id = p_held_ids[i] returning * into v_hold;
    elsif cardinality(p_tier_ids) > 1 then
      v_hold := v_new[i];
    end if;
    v_hold_ids := v_hold_ids || v_hold.id;
    v_total := v_total + p_quantities[i];
    v_expires_at := least(v_expires_at, v_hold.expires_at);
    v_reservations := v_reservations || jsonb_build_object('tier_id', v_hold.tier_id, 'hold_id', v_hold.id,
      'quantity', p_quantities[i], 'held', v_hold.quantity, 'remaining', p_remaining[i], 'expires_at', v_hold.expires_at);
  end loop;
  return jsonb_build_object('success', true, 'session_id', p_session_id, 'user_id', p_user_id, 'expires_at', v_expires_at,
    'total_items', v_total, 'hold_ids', to_jsonb(v_hold_ids), 'reservations', v_reservations);
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
    'tier_id', p_tier_id, 'requested', p_requested, 'available', greatest(coalesce(p_available, 0), 0), 'error', p_refusal)
$$;

-- refused_tiers: the answer for a cart; its code is the first of the documented precedence among its tiers.
create or replace function ticketing.refused_tiers(p_failed jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select ticketing.refused_cart(f ->> 'error', null, p_failed)
  from jsonb_array_elements(p_failed) f order by ticketing.refusal_rank(f ->> 'error') limit 1
$$;
