-- hold_cart: the holds of a checkout: those that its session (request.session_id), or where none is named the signed-in user,
-- has on these tiers already, and what they lack besides. Refused, everything stands as before.
-- Answers hold_tiers', FORBIDDEN also for a session that is another user's or the service's own.
-- Locks:  tiers, ascending id.
-- Writes: ticket_holds.
create or replace function ticketing.hold_cart(p_caller record, p_request jsonb, p_cart record) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_session_id text := p_request ->> 'session_id';
  v_taken record;
  v_answer jsonb;
begin
  if v_session_id is null and p_caller.user_id is null then
    return ticketing.hold_tiers(null, null, p_request ->> 'customer_email', p_cart.tier_ids, p_cart.quantities, p_cart.lifetime);
  end if;
  perform ticketing.lock_tiers(p_cart.tier_ids);
  -- Asked under the lock: a guest's hold becomes a user's under it.
  if not p_caller.is_trusted and v_session_id like 'service:%' or exists (
      select from public.ticket_holds h where h.session_id = v_session_id and h.status = 'active'
        and h.user_id <> coalesce(p_caller.user_id, '00000000-0000-0000-0000-000000000000')) then
    return ticketing.refused_cart('FORBIDDEN');
  end if;
  begin
    v_taken := ticketing.take_over_holds(v_session_id, p_caller.user_id, p_cart.tier_ids, p_cart.quantities, p_cart.lifetime);
    v_answer := ticketing.hold_tiers(v_taken.session_id, p_caller.user_id, p_request ->> 'customer_email', p_cart.tier_ids,
      v_taken.missing, p_cart.lifetime);
    if not (v_answer ->> 'success')::boolean then
      -- Rolls back to here, so that what was taken over is held as before.
      raise exception 'refused' using errcode = 'AO001';
    end if;
    return v_answer;
  exception when sqlstate 'AO001' then
    return v_answer || jsonb_build_object('failed', (
      select coalesce(jsonb_agg(f || jsonb_build_object('requested', p_cart.quantities[n.at],
        'available', (f ->> 'available')::integer + p_cart.quantities[n.at] - v_taken.missing[n.at])), '[]')
      from jsonb_array_elements(v_answer -> 'failed') f
      cross join lateral (select array_position(p_cart.tier_ids, (f ->> 'tier_id')::uuid)) n(at)));
  end;
end
$$;

-- take_over_holds: the living holds of a session, or of a user, that a checkout begins with. The caller has the tiers' locks.
--   session_id  in which the checkout holds; null: a new one
--   missing     by tier, what is to be held besides
-- They are bought as they stand, under their own ids. Where that cannot be (several sessions, more held than bought, a tier of
-- the session that another order pays for) what is bought of them is given back, to be held anew under the same locks.
-- Writes: ticket_holds.
create or replace function ticketing.take_over_holds(
  p_session_id text, p_user_id uuid, p_tier_ids uuid[], p_quantities integer[], p_lifetime interval,
  out session_id text, out missing integer[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_held public.ticket_holds[] := ticketing.own_holds(p_session_id, p_user_id, p_tier_ids, v_now);
  v_hold public.ticket_holds;
  v_left integer[] := p_quantities;
  v_at integer;
  v_as_they_stand boolean := true;
begin
  session_id := coalesce(p_session_id, v_held[1].session_id);
  foreach v_hold in array v_held loop
    v_at := array_position(p_tier_ids, v_hold.tier_id);
    v_left[v_at] := v_left[v_at] - v_hold.quantity;
    v_as_they_stand := v_as_they_stand and v_left[v_at] >= 0 and v_hold.session_id = session_id;
  end loop;
  if v_as_they_stand and not ticketing.is_being_paid(session_id, p_tier_ids) then
    missing := v_left;
    -- The payment's deadline is later than the cart's end.
    update public.ticket_holds h set expires_at = greatest(h.expires_at, v_now + p_lifetime)
      where h.id in (select u.id from unnest(v_held) u);
    return;
  end if;
  session_id := null;
  missing := p_quantities;
  v_left := p_quantities;
  foreach v_hold in array v_held loop
    v_at := array_position(p_tier_ids, v_hold.tier_id);
    if v_hold.quantity <= v_left[v_at] then
      update public.ticket_holds h set status = 'released', ended_at = v_now where h.id = v_hold.id;
    elsif v_left[v_at] > 0 then
      update public.ticket_holds h set quantity = h.quantity - v_left[v_at] where h.id = v_hold.id;
    end if;
    v_left[v_at] := greatest(v_left[v_at] - v_hold.quantity, 0);
  end loop;
end
$$;

-- own_holds: what a session, or where none is named a user, holds of these tiers and no order pays for; the first to end first.
create or replace function ticketing.own_holds(p_session_id text, p_user_id uuid, p_tier_ids uuid[], p_now timestamptz)
returns public.ticket_holds[] language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  -- `is true` keeps the planner off the index of all living holds while the table is not analyzed.
  if p_session_id is not null then
    return array(select h from public.ticket_holds h where h.session_id = p_session_id and h.status = 'active'
      and (h.tier_id = any (p_tier_ids)) is true and h.order_id is null and h.expires_at > p_now order by h.id);
  end if;
  return array(select h from public.ticket_holds h where h.user_id = p_user_id and h.status = 'active'
    and (h.tier_id = any (p_tier_ids)) is true and h.order_id is null and h.expires_at > p_now order by h.expires_at, h.id);
end
$$;

-- is_being_paid: whether a session's hold of one of these tiers waits for an order's payment: then it holds no more of it.
create or replace function ticketing.is_being_paid(p_session_id text, p_tier_ids uuid[]) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return exists (select from public.ticket_holds h where h.session_id = p_session_id and h.status = 'active'
    and (h.tier_id = any (p_tier_ids)) is true and h.order_id is not null);
end
$$;
