-- apply_session: settle_session without the answer to a lock that does not come: it raises.
create or replace function ticketing.apply_session(p_session jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders;
  v_session ticketing.checkout_sessions;
  v_payment jsonb := ticketing.payment_of(p_session);
  v_outcome jsonb := '{"outcome": "NO_CHANGE"}';
begin
  if coalesce(length(p_session ->> 'id'), 0) not between 1 and 255
      or v_payment is not null and coalesce(length(v_payment ->> 'id'), 0) not between 1 and 255
      -- Not kept as unmatched: the job asks, and may be told what can be read.
      or p_session ->> 'amount_total' is not null and ticketing.amount_of(p_session -> 'amount_total') is null then
    return '{"outcome": "UNMATCHED"}';
  end if;
  v_session := ticketing.lock_session_told(p_session);
  if v_session.order_id is null then
    return ticketing.note_unmatched_payment(v_payment);
  end if;
  select * into v_order from public.orders o where o.id = v_session.order_id;
  if v_payment is not null then
    perform ticketing.note_session(v_session, p_session, 'complete', null);
    v_order := ticketing.note_customer(v_order, p_session);
    v_outcome := ticketing.take_payment(v_order, v_payment);
  elsif p_session ->> 'status' = 'complete' and p_session ->> 'payment_status' = 'unpaid' then
    v_order := ticketing.note_customer(v_order, p_session);
    if v_order.status = 'pending' and v_session.status in ('creating', 'open', 'complete') then
      v_outcome := ticketing.await_payment(v_order);
    end if;
    -- Asked for now and then: an event can be lost.
    perform ticketing.note_session(v_session, p_session, 'complete',
      case when v_order.status = 'pending' then clock_timestamp() + interval '1 hour' end);
  elsif p_session ->> 'status' = 'expired' and v_session.status in ('creating', 'open', 'expired') then
    perform ticketing.note_session(v_session, p_session, 'expired', null);
    if v_order.status = 'pending' and not ticketing.has_later_attempt(v_session) then
      perform ticketing.expire_order(v_order);
      v_outcome := '{"outcome": "EXPIRED"}';
    end if;
  elsif p_session ->> 'status' = 'open' and v_session.status = 'creating' then
    perform ticketing.note_session(v_session, p_session, 'open', v_session.ask_at);
  end if;
  return v_outcome || jsonb_build_object('order_id', v_order.id);
end
$$;

-- order_named: the order that the metadata of a provider's object names. Only our key can write it: what a buyer can set, as
-- client_reference_id in a payment link, names nothing.
create or replace function ticketing.order_named(p_object jsonb) returns uuid
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when ticketing.is_uuid(p_object #>> '{metadata,order_id}') then (p_object #>> '{metadata,order_id}')::uuid end
$$;

-- lock_session_told: the session of ours that the provider means, with its order locked; all null where it is none. Its id is
-- stored; one whose id is not stored yet is named by order and attempt.
create or replace function ticketing.lock_session_told(p_session jsonb) returns ticketing.checkout_sessions
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_order_id uuid := coalesce(
    (select s.order_id from ticketing.checkout_sessions s where s.session_id = p_session ->> 'id'), ticketing.order_named(p_session));
  v_session ticketing.checkout_sessions;
begin
  -- An order whose checkout has not committed yet is waited for: it has its lock since before its row.
  perform ticketing.lock_order(v_order_id);
  select * into v_session from ticketing.checkout_sessions s
    where s.order_id = v_order_id and (s.session_id = p_session ->> 'id' or s.session_id is null
      and ticketing.order_named(p_session) = v_order_id and s.attempt::text = p_session #>> '{metadata,attempt}')
    order by s.session_id is null limit 1;
  return v_session;
end
$$;

-- payment_of: the payment of a session that is paid, as take_payment takes it; null where it is not paid.
create or replace function ticketing.payment_of(p_session jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_session ->> 'payment_status' in ('paid', 'no_payment_required')
      and coalesce(p_session ->> 'status', 'complete') = 'complete' then jsonb_strip_nulls(jsonb_build_object(
    'id', coalesce(ticketing.id_of(p_session -> 'payment_intent'), p_session ->> 'id'), 'session_id', p_session ->> 'id',
    'amount_cents', p_session -> 'amount_total', 'currency', p_session ->> 'currency', 'livemode', p_session -> 'livemode',
    'mode', p_session ->> 'mode')) end
$$;

-- has_later_attempt: whether another session was made for the order after this one: then this one's end is not the order's.
create or replace function ticketing.has_later_attempt(p_session ticketing.checkout_sessions) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return exists (
    select from ticketing.checkout_sessions s where s.order_id = p_session.order_id and s.attempt > p_session.attempt);
end
$$;

-- note_session: how a session stands. p_ask_at: when the job looks at it again, null where all is said.
create or replace function ticketing.note_session(
  p_known ticketing.checkout_sessions, p_session jsonb, p_status text, p_ask_at timestamptz) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update ticketing.checkout_sessions s set status = p_status, ask_at = p_ask_at, last_error = null,
      session_id = coalesce(s.session_id, p_session ->> 'id'), url = case when length(p_session ->> 'url') <= 4000 then p_session ->> 'url' else s.url end
    where s.order_id = p_known.order_id and s.attempt = p_known.attempt
$$;

-- note_customer: a guest who told us neither name nor address told the provider.
create or replace function ticketing.note_customer(p_order public.orders, p_session jsonb) returns public.orders
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_email text := p_session #>> '{customer_details,email}';
  v_name text := p_session #>> '{customer_details,name}';
begin
  if p_order.customer_email is null or p_order.customer_name is null then
    update public.orders o set
        customer_email = coalesce(o.customer_email, case when length(v_email) between 3 and 320 then v_email end),
        customer_name = coalesce(o.customer_name, case when length(v_name) > 0 then left(v_name, 200) end)
      where o.id = p_order.id returning * into p_order;
  end if;
  return p_order;
end
$$;

-- await_payment: a delayed method was authorised and pays in days: the holds and the order wait for it.
-- Locks:  tiers, ascending id.
create or replace function ticketing.await_payment(p_order public.orders) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_until timestamptz;
begin
  perform ticketing.lock_order_tiers(p_order.id);
  -- By the terms that the order was made under.
  select p_order.created_at + s.delayed_payment_lifetime into v_until
    from ticketing.checkout_sessions s where s.order_id = p_order.id order by s.attempt limit 1;
  update public.ticket_holds h set expires_at = greatest(h.expires_at, v_until)
    where h.order_id = p_order.id and h.status is not distinct from 'active';
  update public.orders set expires_at = greatest(expires_at, v_until) where id = p_order.id;
  return '{"outcome": "AWAITING_PAYMENT"}';
end
$$;
