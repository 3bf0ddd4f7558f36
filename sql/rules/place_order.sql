-- place_order: the order for a session's holds. A free one is paid and gets its tickets; one that costs something waits, with
-- the call to the provider stored to the letter. p_cart is price_cart's.
-- Locks:  the order.
-- Writes: orders, order_items, ticket_holds, and tickets or checkout_sessions.
create or replace function ticketing.place_order(
  p_request jsonb, p_cart record, p_session_id text, p_user_id uuid, p_request_key text) returns uuid
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order_id uuid := ticketing.uuid_v7();
  v_orders record;
begin
  select array[v_order_id] as ids, array[p_request] as requests, array[p_session_id] as session_ids, array[p_user_id] as user_ids,
      array[p_request_key] as request_keys, array[p_cart.subtotal_cents] as subtotals, array[p_cart.fees_cents] as fees,
      array_fill(v_order_id, array[cardinality(p_cart.tier_ids)]) as item_order_ids, p_cart.tier_ids as item_tier_ids,
      p_cart.quantities as item_quantities, p_cart.prices as item_prices, p_cart.fees as item_fees
    into v_orders;
  perform ticketing.write_orders(v_orders, p_cart);
  update public.ticket_holds h set order_id = v_order_id
    where h.session_id = p_session_id and h.status = 'active' and (h.tier_id = any (p_cart.tier_ids)) is true;
  perform ticketing.begin_orders(v_orders, p_cart);
  return v_order_id;
end
$$;

-- write_orders: batch insert of orders of one event. p_cart: {event_id, currency, terms}.
-- p_orders: {ids, requests, session_ids, user_ids, request_keys, subtotals, fees} of the orders, and what each has of a tier:
-- {item_order_ids, item_tier_ids, item_quantities, item_prices, item_fees}.
-- Locks: the orders, so that an event about one that arrives before the commit waits for it.
create or replace function ticketing.write_orders(p_orders record, p_cart record) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_terms ticketing.settings := p_cart.terms;
begin
  perform ticketing.lock_key('order:' || o.id) from unnest(p_orders.ids) o(id);
  insert into public.orders (id, event_id, user_id, session_id, status, currency, subtotal_cents, fees_cents, total_cents,
      customer_email, customer_name, request_key, paid_at, tickets_issued_at, expires_at)
    select o.id, p_cart.event_id, o.user_id, o.session_id, case when f.is_free then 'paid' else 'pending' end, p_cart.currency,
      o.subtotal, o.fees, o.subtotal + o.fees, o.request ->> 'customer_email', o.request ->> 'customer_name', o.request_key,
      case when f.is_free then v_now end, case when f.is_free then v_now end, case when not f.is_free then v_now + v_terms.hold_lifetime end
    from unnest(p_orders.ids, p_orders.requests, p_orders.session_ids, p_orders.user_ids, p_orders.request_keys, p_orders.subtotals,
        p_orders.fees) as o(id, request, session_id, user_id, request_key, subtotal, fees)
    cross join lateral (select o.subtotal + o.fees = 0 as is_free) f;
  insert into public.order_items (order_id, event_id, tier_id, quantity, unit_price_cents, unit_fee_cents)
    select i.order_id, p_cart.event_id, i.tier_id, i.quantity, i.price, i.fee
    from unnest(p_orders.item_order_ids, p_orders.item_tier_ids, p_orders.item_quantities, p_orders.item_prices, p_orders.item_fees)
      as i(order_id, tier_id, quantity, price, fee);
end
$$;

-- begin_orders: free orders get their tickets for their holds; of others the call to the provider is stored. write_orders' orders,
-- which have their holds: all free, or none.
create or replace function ticketing.begin_orders(p_orders record, p_cart record) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_terms ticketing.settings := p_cart.terms;
begin
  if p_orders.subtotals[1] + p_orders.fees[1] > 0 then
    perform ticketing.prepare_session(o.id, o.request, v_terms, v_now) from unnest(p_orders.ids, p_orders.requests) as o(id, request);
  else
    perform ticketing.write_tickets(p_orders.ids);
  end if;
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
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
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
