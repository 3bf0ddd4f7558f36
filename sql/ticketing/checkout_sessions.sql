-- prepare_session: store the call that opens the provider's checkout session, before it is made. The provider's key is
-- `session:<order>:<attempt>`: a retry sends exactly these parameters again.
-- Writes: checkout_sessions.
create or replace function ticketing.prepare_session(p_order_id uuid, p_request jsonb, p_now timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders;
  v_event public.events;
  v_expires_at timestamptz;
  v_facts jsonb;
begin
  select * into v_order from public.orders where id = p_order_id;
  select * into v_event from public.events where id = v_order.event_id;
  -- The provider counts in whole seconds, and refuses what is a moment too short.
  select date_trunc('second', p_now + s.session_lifetime) + interval '1 second' into v_expires_at from ticketing.settings s;
  v_facts := jsonb_build_object('order_id', p_order_id, 'event_id', v_event.id, 'attempt', '1');
  insert into ticketing.checkout_sessions (order_id, attempt, livemode, expires_at, ask_at, parameters)
    values (p_order_id, 1, coalesce((p_request ->> 'livemode')::boolean, false), v_expires_at,
      p_now + ticketing.call_time(), jsonb_strip_nulls(jsonb_build_object(
        'mode', 'payment',
        'client_reference_id', p_order_id,
        'customer_email', v_order.customer_email,
        'metadata', v_facts,
        'payment_intent_data', jsonb_build_object('metadata', v_facts),
        'line_items', ticketing.session_lines(v_order, v_event.title),
        'expires_at', extract(epoch from v_expires_at)::bigint,
        'adaptive_pricing', '{"enabled": false}'::jsonb,
        'success_url', coalesce(p_request ->> 'success_url', ticketing.order_url(v_order, p_request)),
        'cancel_url', coalesce(p_request ->> 'cancel_url', (p_request ->> 'public_url') || '/events/' || v_event.slug))));
end
$$;

-- session_lines: what the buyer sees at the provider: a line a tier, and one for all fees. At most 51, of 100 that it takes.
create or replace function ticketing.session_lines(p_order public.orders, p_title text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_agg(jsonb_build_object('quantity', l.quantity, 'price_data', jsonb_build_object(
        'currency', lower(p_order.currency), 'unit_amount', l.cents, 'product_data', jsonb_build_object('name', l.name)))
      order by l.is_fee, l.tier_id)
    from (
      select i.tier_id, i.quantity, i.unit_price_cents as cents, left(p_title || ' · ' || t.name, 250) as name, false as is_fee
      from public.order_items i join public.ticket_tiers t on t.id = i.tier_id where i.order_id = p_order.id
      union all
      select null, 1, p_order.fees_cents, 'Fees', true where p_order.fees_cents > 0) l);
end
$$;

-- call_time: how long a call to the provider may take and its outcome be stored; after it somebody else may ask.
create or replace function ticketing.call_time() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '15 seconds' $$;

-- open_session: the provider opened the session that was asked for. Twice is once.
-- Answers: {success: true, session_id, url, abandoned}; abandoned: the order ended meanwhile, the session is to be expired.
--          ORDER_NOT_FOUND
-- Locks:  the order.
-- Writes: checkout_sessions.
create or replace function ticketing.open_session(p_order_id uuid, p_attempt integer, p_session jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
  v_now timestamptz;
  v_abandoned boolean;
begin
  v_order := ticketing.lock_order(p_order_id);
  v_now := clock_timestamp();
  v_abandoned := v_order.status <> 'pending' or v_order.expires_at <= v_now;
  update ticketing.checkout_sessions s
    set status = case when s.status in ('creating', 'refused') then 'open' else s.status end,
        session_id = p_session ->> 'id', url = p_session ->> 'url', asked = 0, last_error = null,
        ask_at = case when s.status = 'expired' or s.status = 'complete' and v_order.status <> 'pending' then null when v_abandoned then v_now
          else least(v_now + (select t.ask_after from ticketing.settings t), v_order.expires_at) end
    where s.order_id = p_order_id and s.attempt = p_attempt;
  if not found then
    return ticketing.refused('ORDER_NOT_FOUND');
  end if;
  return jsonb_build_object('success', true, 'session_id', p_session ->> 'id', 'url', p_session ->> 'url',
    'abandoned', v_abandoned and v_order.status <> 'paid');
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- refuse_session: the provider said no for good: there is no session, and nobody will pay.
-- Answers: {success: true, released}; ORDER_NOT_FOUND
-- Locks:  the order, tiers, ascending id.
-- Writes: checkout_sessions, orders, ticket_holds; the counters follow by trigger.
create or replace function ticketing.refuse_session(p_order_id uuid, p_attempt integer, p_error text) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
begin
  v_order := ticketing.lock_order(p_order_id);
  update ticketing.checkout_sessions s set status = 'refused', ask_at = null, last_error = left(p_error, 1000)
    where s.order_id = p_order_id and s.attempt = p_attempt and s.status in ('creating', 'refused');
  if not found then
    return ticketing.refused('ORDER_NOT_FOUND');
  end if;
  return jsonb_build_object('success', true, 'released', ticketing.expire_order(v_order));
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- due_sessions: at most p_limit sessions to look at now, leased to the caller: nobody else gets them before their next turn,
-- so any number of servers may ask at once. Those whose buyer's time is over come first. p_livemode: the caller's provider's;
-- another one's are not its own.
-- Answers: [{order_id, attempt, action, key, parameters, session_id}]
--   create  the call's outcome is not known: send it again, to the letter
--   expire  the buyer's time is over: expire it, then settle_session with what the provider says
--   ask     nothing was heard: retrieve it, then settle_session; once, and again only when the buyer's time is over
-- Given up: a create that is nearly 24 hours old, as the provider forgets keys then; and a session of which it knows nothing
-- a day after it surely ended.
-- Writes: checkout_sessions.
create or replace function ticketing.due_sessions(p_limit integer default 20, p_livemode boolean default false) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan'
  set enable_seqscan = off set enable_hashjoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_due jsonb;
begin
  update ticketing.checkout_sessions s set status = 'expired', ask_at = null, last_error = 'never answered'
    where s.ask_at <= v_now and (s.status = 'creating' and s.created_at < v_now - interval '23 hours'
      or s.status in ('creating', 'open') and s.expires_at < v_now - interval '24 hours');
  with due as (
    select s.order_id, s.attempt, o.expires_at, o.expires_at <= v_now or o.status <> 'pending' as is_over
    from ticketing.checkout_sessions s join public.orders o on o.id = s.order_id
    where s.ask_at <= v_now and s.livemode = p_livemode
    order by is_over desc, s.ask_at limit p_limit for update of s skip locked),
  leased as (
    update ticketing.checkout_sessions s set asked = s.asked + 1, ask_at = case
        when not d.is_over and s.status = 'open' then d.expires_at
        else v_now + greatest(ticketing.call_time(),
          least(interval '10 seconds' * 2 ^ least(s.asked, 10), interval '5 minutes')) end
      from due d where s.order_id = d.order_id and s.attempt = d.attempt
      returning s.*, d.is_over)
  select coalesce(jsonb_agg(jsonb_build_object('order_id', l.order_id, 'attempt', l.attempt, 'session_id', l.session_id,
      'key', 'session:' || l.order_id || ':' || l.attempt, 'parameters', l.parameters,
      'action', case when l.status = 'creating' then 'create' when l.is_over then 'expire' else 'ask' end)), '[]')
    into v_due from leased l;
  return v_due;
end
$$;
