-- place_order: the order for a session's holds. A free one is paid and gets its tickets; one that costs something waits, with
-- the call to the provider stored to the letter. p_cart is price_cart's.
-- Locks:  the order, so that an event about it that arrives before the commit waits for it.
-- Writes: orders, order_items, ticket_holds, and tickets or checkout_sessions.
create or replace function ticketing.place_order(
  p_request jsonb, p_cart record, p_session_id text, p_user_id uuid, p_request_key text) returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order_id uuid := ticketing.uuid_v7();
  v_now timestamptz := clock_timestamp();
  v_terms ticketing.settings := p_cart.terms;
  v_free boolean := p_cart.subtotal_cents + p_cart.fees_cents = 0;
  v_issued jsonb;
begin
  perform ticketing.lock_key('order:' || v_order_id);
  insert into public.orders (id, event_id, user_id, session_id, status, currency, subtotal_cents, fees_cents, total_cents,
      customer_email, customer_name, request_key, paid_at, expires_at)
    values (v_order_id, p_cart.event_id, p_user_id, p_session_id, case when v_free then 'paid' else 'pending' end,
      p_cart.currency, p_cart.subtotal_cents, p_cart.fees_cents, p_cart.subtotal_cents + p_cart.fees_cents,
      p_request ->> 'customer_email', p_request ->> 'customer_name', p_request_key,
      case when v_free then v_now end, case when not v_free then v_now + v_terms.hold_lifetime end);
  insert into public.order_items (order_id, event_id, tier_id, quantity, unit_price_cents, unit_fee_cents)
    select v_order_id, p_cart.event_id, c.tier_id, c.quantity, c.price, c.fee
    from unnest(p_cart.tier_ids, p_cart.quantities, p_cart.prices, p_cart.fees) c(tier_id, quantity, price, fee);
  update public.ticket_holds h set order_id = v_order_id
    where h.session_id = p_session_id and h.status = 'active' and (h.tier_id = any (p_cart.tier_ids)) is true;
  if not v_free then
    perform ticketing.prepare_session(v_order_id, p_request, v_terms, v_now);
    return v_order_id;
  end if;
  v_issued := ticketing.issue_order_tickets(v_order_id);
  if not (v_issued ->> 'success')::boolean then
    raise exception 'order % has its holds and yet no tickets: %', v_order_id, v_issued
      using errcode = case v_issued ->> 'error' when 'LOCK_TIMEOUT' then '55P03' else '23514' end;
  end if;
  return v_order_id;
end
$$;

-- order_answer: what a checkout's caller is told about an order, as it is now.
--   {success: true, order_id, event_id, is_free, status, session_id, hold_ids, tickets, subtotal_cents, fees_cents, total_cents, currency,
--    expires_at, order_url, payment: null or {attempt, state, key, parameters, session_id, url, expires_at}}
create or replace function ticketing.order_answer(p_order_id uuid, p_request jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('success', true, 'order_id', o.id, 'event_id', o.event_id, 'is_free', o.total_cents = 0,
      'status', o.status,
      'session_id', o.session_id, 'subtotal_cents', o.subtotal_cents, 'fees_cents', o.fees_cents, 'total_cents', o.total_cents,
      'currency', o.currency, 'expires_at', o.expires_at, 'order_url', ticketing.order_url(o, p_request),
      'checkout_session_id', coalesce(s.session_id, case when o.total_cents = 0 then concat_ws('_', 'free', o.id, o.secret) end),
      'hold_ids', (select coalesce(jsonb_agg(h.id order by h.id), '[]') from public.ticket_holds h where h.order_id = o.id),
      'tickets', case when o.tickets_issued_at is not null then ticketing.issued_tickets(o.id, true) -> 'tickets' end,
      'payment', ticketing.order_payment(s))
    from public.orders o cross join lateral ticketing.last_session(o.id) s
    where o.id = p_order_id);
end
$$;

-- last_session: the order's latest session; all null where it has none.
create or replace function ticketing.last_session(p_order_id uuid) returns ticketing.checkout_sessions
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_session ticketing.checkout_sessions;
begin
  select * into v_session from ticketing.checkout_sessions s where s.order_id = p_order_id order by s.attempt desc limit 1;
  return v_session;
end
$$;

-- order_payment: a session as the caller that opens or expires it is told about it; null where there is none.
create or replace function ticketing.order_payment(p_session ticketing.checkout_sessions) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_session.order_id is not null then jsonb_build_object('attempt', p_session.attempt, 'state', p_session.status,
    'key', 'session:' || p_session.order_id || ':' || p_session.attempt, 'parameters', p_session.parameters,
    'session_id', p_session.session_id, 'url', p_session.url, 'expires_at', p_session.expires_at) end
$$;

-- order_url: where the buyer sees the order; whoever knows the secret in it may.
create or replace function ticketing.order_url(p_order public.orders, p_request jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(p_request ->> 'public_url', '') || '/orders/' || p_order.id || '/' || p_order.secret
$$;
