-- apply_session: settle_session without the answer to a lock that does not come: it raises.
create or replace function ticketing.apply_session(p_session jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders;
  v_session ticketing.checkout_sessions;
  v_payment jsonb := ticketing.payment_of(p_session);
  v_outcome jsonb := '{"outcome": "NO_CHANGE"}';
begin
  if length(p_session ->> 'id') not between 1 and 255
      or v_payment is not null and coalesce(length(v_payment ->> 'id'), 0) not between 1 and 255 then
    return '{"outcome": "UNMATCHED"}';
  end if;
  -- An order whose checkout has not committed yet is waited for: it has its lock since before its row.
  v_order := ticketing.lock_order(ticketing.order_named(p_session));
  if v_order.id is null then
    if v_payment is not null then
      perform ticketing.note_unmatched_payment(v_payment);
    end if;
    return jsonb_build_object('outcome', 'UNMATCHED', 'order_id', null);
  end if;
  v_session := ticketing.session_named(v_order.id, p_session);
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

-- order_named: the order that an object of the provider names; null where it names none.
create or replace function ticketing.order_named(p_object jsonb) returns uuid
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when ticketing.is_uuid(p_object ->> 'client_reference_id') then (p_object ->> 'client_reference_id')::uuid
    when ticketing.is_uuid(p_object #>> '{metadata,order_id}') then (p_object #>> '{metadata,order_id}')::uuid end
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

-- session_named: the row of a session. One whose id is not stored yet is found by its attempt, the latest where none is named.
create or replace function ticketing.session_named(p_order_id uuid, p_session jsonb) returns ticketing.checkout_sessions
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s from ticketing.checkout_sessions s
  where s.order_id = p_order_id and (s.session_id = p_session ->> 'id'
    or s.session_id is null and s.attempt::text = coalesce(p_session #>> '{metadata,attempt}', s.attempt::text))
  order by s.session_id is null, s.attempt desc limit 1
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
      session_id = coalesce(s.session_id, p_session ->> 'id'), url = coalesce(p_session ->> 'url', s.url)
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
  select p_order.created_at + s.delayed_payment_lifetime into v_until from ticketing.settings s;
  update public.ticket_holds h set expires_at = greatest(h.expires_at, v_until)
    where h.order_id = p_order.id and h.status is not distinct from 'active';
  update public.orders set expires_at = greatest(expires_at, v_until) where id = p_order.id;
  return '{"outcome": "AWAITING_PAYMENT"}';
end
$$;
