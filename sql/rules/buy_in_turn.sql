-- buy_in_turn: batching (group commit): carts of the same tiers, each answered as buy answers it, asked after those before it.
--
-- p_batch: {requests, user_ids, trusted, are_asked}, arrays of one length. Who buys of one tier, in a session of its own, is judged
-- and written with the others (buy_run). A session that is named, a user who holds some already, several tiers, a limit per person,
-- and a key that comes twice, are asked by themselves, in their place between the others.
-- Answers by place. Null, and nothing was done: it is not asked here, its key was used before or is in use, or its tier is busy.
-- Locks:  keys that are free; tiers, ascending id; then each new order, which nobody else can know.
-- Writes: as checkout.
create or replace function ticketing.buy_in_turn(p_batch record) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_looks record := ticketing.look_at_carts(p_batch);
  v_read record := ticketing.read_purchases(p_batch, v_looks);
  v_answers jsonb[] := v_read.answers;
  v_is_limited boolean := false;
  v_holding uuid[] := '{}';
  v_caller record;
  v_from integer := 1;
begin
  -- Double-checked locking: where all are refused by what can be seen, nobody waits for the tier.
  if v_read.answers_at_once is not null then
    return v_read.answers_at_once;
  end if;
  if cardinality(array_remove(v_read.quantities, null)) > 0 then
    begin
      perform ticketing.lock_tiers(array[v_looks.tier_id]);
    exception when lock_not_available or deadlock_detected then
      -- Who is asked by itself would wait as long again: it is to wait beside the batch.
      return array(
        select case when r.quantity is not null then coalesce(r.look, ticketing.refused_cart('LOCK_TIMEOUT')) else r.answer end
        from unnest(v_answers, v_read.quantities, v_looks.looks) with ordinality as r(answer, quantity, look, place)
        order by r.place);
    end;
    v_is_limited := ticketing.has_person_limit(v_looks.tier_id);
    v_holding := ticketing.holding_users(v_looks.tier_id, p_batch.user_ids);
  end if;
  for i in 1 .. cardinality(v_answers) loop
    if v_read.are_alone[i]
        or v_read.quantities[i] is not null and (v_is_limited or coalesce(p_batch.user_ids[i] = any (v_holding), false)) then
      v_answers := ticketing.buy_run(p_batch, v_looks, v_read, v_answers, v_from, i - 1);
      select p_batch.trusted[i] as is_trusted, p_batch.user_ids[i] as user_id into v_caller;
      v_answers[i] := ticketing.buy(v_caller, p_batch.requests[i], true);
      v_from := i + 1;
    end if;
  end loop;
  return ticketing.buy_run(p_batch, v_looks, v_read, v_answers, v_from, cardinality(v_answers));
end
$$;

-- read_purchases: what can be said of the carts of a batch before a lock on a tier.
--   answers       of those that are refused already
--   are_alone     whether it is to be asked by itself
--   quantities    of those that can be judged together; else null
--   caller_names, request_keys, fingerprints  what their keys stand for
--   answers_at_once  where the others are refused already, too: all answers
-- Locks: keys that are free.
create or replace function ticketing.read_purchases(
  p_batch record, p_looks record, out answers jsonb[], out are_alone boolean[], out quantities integer[],
  out caller_names text[], out request_keys text[], out fingerprints text[], out answers_at_once jsonb[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_count integer := cardinality(p_batch.requests);
  v_holding uuid[] := ticketing.holding_users(p_looks.tier_id, p_batch.user_ids);
  v_request jsonb;
  v_problem text;
  v_caller record;
  v_use record;
begin
  answers := array_fill(null::jsonb, array[v_count]);
  are_alone := array_fill(false, array[v_count]);
  quantities := array_fill(null::integer, array[v_count]);
  caller_names := array_fill(null::text, array[v_count]);
  request_keys := caller_names;
  fingerprints := caller_names;
  for i in 1 .. v_count loop
    continue when not p_batch.are_asked[i];
    v_request := p_batch.requests[i];
    v_problem := ticketing.request_problem(v_request);
    if v_problem is not null then
      answers[i] := ticketing.refused_cart('INVALID_REQUEST', v_problem);
      continue;
    end if;
    select p_batch.trusted[i] as is_trusted, p_batch.user_ids[i] as user_id into v_caller;
    v_use := ticketing.key_use(v_caller, v_request, p_looks.event_ids[i]);
    if coalesce(v_use.request_key = any (request_keys), false) or v_request ->> 'session_id' is not null
        or p_looks.quantities[i] is null and p_looks.refusals[i] is null
        or coalesce(v_caller.user_id = any (v_holding), false)
        -- Of no event that there is: any key that the caller used is this one.
        or v_use.request_key is not null and v_use.business_id is null then
      are_alone[i] := true;
    elsif v_use.request_key is not null and not ticketing.take_new_key(v_use, v_request ->> 'idempotency_key') then
      continue;
    elsif ticketing.is_key_of_others(v_use.request_key) then
      answers[i] := ticketing.refused_cart('IDEMPOTENCY_KEY_REUSED');
    elsif p_looks.refusals[i] is not null then
      answers[i] := p_looks.refusals[i];
    else
      quantities[i] := p_looks.quantities[i];
    end if;
    caller_names[i] := v_use.caller_name;
    request_keys[i] := v_use.request_key;
    fingerprints[i] := v_use.fingerprint;
  end loop;
  if not exists (select from unnest(are_alone, quantities, p_looks.looks) as r(is_alone, quantity, look)
      where r.is_alone or r.quantity is not null and r.look is null) then
    answers_at_once := array(
      select coalesce(r.answer, case when r.quantity is not null then r.look end)
      from unnest(answers, quantities, p_looks.looks) with ordinality as r(answer, quantity, look, place) order by r.place);
  end if;
end
$$;

-- look_at_carts: what the carts of a batch cost, and what is refused without a lock: each cart is looked at once, by however many
-- it is asked for.
--   event_ids   by place, null where there is no such event
--   quantities  by place, of the carts of one tier, the same for all; else null
--   refusals    by place: it cannot be what is asked for; else null
--   looks       by place: it would be refused now, if nobody of the batch were before it; else null
--   event_id, business_id, tier_id, price, fee, currency, terms, lifetime  of the carts of one tier; a ticket's price and fee
create or replace function ticketing.look_at_carts(
  p_batch record, out event_ids uuid[], out quantities integer[], out refusals jsonb[], out looks jsonb[], out event_id uuid,
  out business_id uuid, out tier_id uuid, out price bigint, out fee bigint, out currency text, out terms ticketing.settings, out lifetime interval)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_group record;
  v_event_id uuid;
  v_cart record;
  v_failed jsonb;
  v_place integer;
  v_places integer[] := array[cardinality(p_batch.requests)];
begin
  -- From place 1 on, whichever is looked at: unnest pairs what stands first in each.
  event_ids := array_fill(null::uuid, v_places);
  quantities := array_fill(null::integer, v_places);
  refusals := array_fill(null::jsonb, v_places);
  looks := refusals;
  for v_group in
    select (array_agg(r.request))[1] as request, array_agg(r.place::integer) as places
    from unnest(p_batch.requests, p_batch.are_asked) with ordinality as r(request, is_asked, place)
    where r.is_asked and ticketing.request_problem(r.request) is null
    group by r.request ->> 'event', r.request -> 'items', r.request -> 'expected_total_cents', r.request -> 'expected_currency',
      r.request -> 'takes_payments'
  loop
    v_event_id := ticketing.find_event(v_group.request ->> 'event');
    v_cart := ticketing.price_cart(v_group.request, v_event_id);
    v_failed := '[]';
    if v_cart.refusal is null then
      if cardinality(v_cart.tier_ids) = 1 and tier_id is null and not ticketing.has_person_limit(v_cart.tier_ids[1]) then
        event_id := v_event_id;
        tier_id := v_cart.tier_ids[1];
        price := v_cart.prices[1];
        fee := v_cart.fees[1];
        currency := v_cart.currency;
        terms := v_cart.terms;
        lifetime := v_cart.lifetime;
      end if;
      v_failed := ticketing.refused_at_once(v_cart.tier_ids, v_cart.quantities, clock_timestamp());
    end if;
    foreach v_place in array v_group.places loop
      event_ids[v_place] := v_event_id;
      -- What was priced a moment later may cost something else: it is priced anew, by itself.
      quantities[v_place] := case when v_cart.tier_ids = array[tier_id]
        and (v_cart.prices[1], v_cart.fees[1], v_cart.currency) is not distinct from (price, fee, currency)
        then v_cart.quantities[1] end;
      refusals[v_place] := case when v_cart.refusal is not null
        then ticketing.refused_cart(v_cart.refusal, v_cart.message) || v_cart.more end;
      looks[v_place] := case when v_failed <> '[]' then ticketing.refused_tiers(v_failed) end;
    end loop;
  end loop;
  business_id := (select e.business_id from public.events e where e.id = look_at_carts.event_id);
end
$$;

-- buy_run: what those who can be judged together get, from one place to another. Where a protection behind the decision refuses
-- them, each is asked by itself, and refused by itself.
create or replace function ticketing.buy_run(
  p_batch record, p_looks record, p_read record, p_answers jsonb[], p_from integer, p_to integer) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answers jsonb[] := p_answers;
  v_run record;
  v_new jsonb[];
  v_caller record;
begin
  select array_agg(r.place::integer) as places, array_agg(r.request) as requests, array_agg(r.user_id) as user_ids,
      array_agg(r.quantity) as quantities, array_agg(r.caller_name) as caller_names, array_agg(r.request_key) as request_keys,
      array_agg(r.fingerprint) as fingerprints
    into v_run
    from (
      select r.* from unnest(p_batch.requests, p_batch.user_ids, p_read.quantities, p_read.caller_names, p_read.request_keys,
          p_read.fingerprints) with ordinality as r(request, user_id, quantity, caller_name, request_key, fingerprint, place)
      where r.place between p_from and p_to and r.quantity is not null order by r.place) r;
  if v_run.places is null then
    return v_answers;
  end if;
  begin
    v_new := ticketing.buy_each(v_run, p_looks);
  exception
    when check_violation or unique_violation then
      v_new := null;
    -- A trigger waited, for a raw write beside this call: long enough for all.
    when lock_not_available or deadlock_detected then
      v_new := array_fill(ticketing.refused_cart('LOCK_TIMEOUT'), array[cardinality(v_run.places)]);
  end;
  for i in 1 .. cardinality(v_run.places) loop
    if v_new is null then
      select p_batch.trusted[v_run.places[i]] as is_trusted, v_run.user_ids[i] as user_id into v_caller;
      v_answers[v_run.places[i]] := ticketing.buy(v_caller, v_run.requests[i], true);
    else
      v_answers[v_run.places[i]] := v_new[i];
    end if;
  end loop;
  return v_answers;
end
$$;

-- buy_each: batch insert: an order of one tier for each of many requests, in a session of its own, or its refusal. The caller has the
-- tier's lock; the tier has no limit per person, and none of the users holds any of it.
-- p_run: {requests, user_ids, quantities, caller_names, request_keys, fingerprints}; p_looks is look_at_carts'.
-- Answers in order, as buy does.
-- Writes: orders, order_items, ticket_holds, tickets or checkout_sessions, idempotency_keys.
create or replace function ticketing.buy_each(p_run record, p_looks record) returns jsonb[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_judged record := ticketing.judge_in_turn(p_looks.tier_id, p_run.quantities, v_now);
  v_order_ids uuid[];
  v_orders record;
begin
  v_order_ids := array(
    select case when r.refusal is null then ticketing.uuid_v7() end
    from unnest(v_judged.refusals) with ordinality as r(refusal, place) order by r.place);
  select array_agg(r.order_id) as ids, array_agg(r.request) as requests, array_agg(ticketing.session_id('session', r.order_id)) as session_ids,
      array_agg(r.user_id) as user_ids, array_agg(r.request_key) as request_keys, array_agg(p_looks.price * r.quantity) as subtotals,
      array_agg(p_looks.fee * r.quantity) as fees, array_agg(r.order_id) as item_order_ids, array_agg(p_looks.tier_id) as item_tier_ids,
      array_agg(r.quantity) as item_quantities, array_agg(p_looks.price) as item_prices, array_agg(p_looks.fee) as item_fees
    into v_orders
    from (
      select r.* from unnest(v_order_ids, p_run.requests, p_run.user_ids, p_run.request_keys, p_run.quantities) with ordinality
        as r(order_id, request, user_id, request_key, quantity, place)
      where r.order_id is not null order by r.place) r;
  -- Even a statement that inserts nothing fires the triggers.
  if v_orders.ids is not null then
    perform ticketing.write_orders(v_orders, p_looks);
    insert into public.ticket_holds (event_id, tier_id, session_id, user_id, quantity, expires_at, order_id)
      select p_looks.event_id, p_looks.tier_id, o.session_id, o.user_id, o.quantity, v_now + p_looks.lifetime, o.id
      from unnest(v_orders.ids, v_orders.session_ids, v_orders.user_ids, v_orders.item_quantities)
        as o(id, session_id, user_id, quantity);
    perform ticketing.begin_orders(v_orders, p_looks);
    insert into public.idempotency_keys (caller, key, event_id, business_id, fingerprint, answer)
      select r.caller_name, r.request ->> 'idempotency_key', p_looks.event_id, p_looks.business_id, r.fingerprint,
        jsonb_build_object('order_id', r.order_id)
      from unnest(v_order_ids, p_run.requests, p_run.caller_names, p_run.request_keys, p_run.fingerprints)
        as r(order_id, request, caller_name, request_key, fingerprint)
      where r.order_id is not null and r.request_key is not null;
  end if;
  return array(
    select case
      when r.refusal is not null then ticketing.refused_tiers(
        jsonb_build_array(ticketing.failed_tier(p_looks.tier_id, r.quantity, r.available, r.refusal)))
      else ticketing.order_answer(r.order_id, r.request) || '{"replayed": false}' end
    from unnest(v_order_ids, p_run.requests, p_run.quantities, v_judged.refusals, v_judged.available) with ordinality
      as r(order_id, request, quantity, refusal, available, place)
    order by r.place);
end
$$;

-- holding_users: which of these hold some of a tier that no order pays for.
create or replace function ticketing.holding_users(p_tier_id uuid, p_user_ids uuid[]) returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  if array_remove(p_user_ids, null) = '{}' then
    return '{}';
  end if;
  -- `is true` keeps the planner off the index of all living holds while the table is not analyzed.
  return array(select distinct h.user_id from public.ticket_holds h where h.user_id = any (p_user_ids) and h.status = 'active'
    and (h.tier_id = p_tier_id) is true and h.order_id is null);
end
$$;

-- has_person_limit: whether one person may have so many of a tier at most.
create or replace function ticketing.has_person_limit(p_tier_id uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return (select t.max_per_person is not null from public.ticket_tiers t where t.id = p_tier_id);
end
$$;
