-- prepare_session: store the call that opens the provider's checkout session, before it is made. The provider's key is
-- `session:<order>:<attempt>`: a retry sends exactly these parameters again. p_terms are the settings that the holds were made
-- under; those that are asked for later stand with the session.
-- Writes: checkout_sessions.
create or replace function ticketing.prepare_session(p_order_id uuid, p_request jsonb, p_terms ticketing.settings, p_now timestamptz) returns void
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
  v_expires_at := date_trunc('second', p_now + p_terms.session_lifetime) + interval '1 second';
  v_facts := jsonb_build_object('order_id', p_order_id, 'event_id', v_event.id, 'business_id', v_event.business_id, 'attempt', '1');
  insert into ticketing.checkout_sessions (order_id, attempt, event_id, business_id, livemode, expires_at, ask_at, hold_extension, extend_below,
      delayed_payment_lifetime, parameters)
    values (p_order_id, 1, v_event.id, v_event.business_id, coalesce((p_request ->> 'livemode')::boolean, false), v_expires_at,
      p_now + ticketing.call_time(), p_terms.hold_extension, p_terms.extend_below, p_terms.delayed_payment_lifetime,
      jsonb_strip_nulls(jsonb_build_object(
        'mode', 'payment',
        'client_reference_id', p_order_id,
        'customer_email', v_order.customer_email,
        'metadata', v_facts,
        'payment_intent_data', jsonb_build_object('metadata', v_facts),
        'line_items', ticketing.session_lines(v_order, v_event.title),
        'expires_at', extract(epoch from v_expires_at)::bigint,
        'adaptive_pricing', '{"enabled": false}'::jsonb,
        -- Not offered where they could pay after the event has begun.
        'excluded_payment_method_types', case when p_now + p_terms.delayed_payment_lifetime > v_event.start_at then ticketing.slow_methods() end,
        'success_url', coalesce(p_request ->> 'success_url', ticketing.order_url(v_order, p_request)),
        'cancel_url', coalesce(p_request ->> 'cancel_url', (p_request ->> 'public_url') || '/events/' || v_event.slug))));
end
$$;

-- slow_methods: the methods that pay in days.
-- Source: https://docs.stripe.com/payments/payment-methods, delayed notification.
create or replace function ticketing.slow_methods() returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select '["acss_debit", "au_becs_debit", "bacs_debit", "boleto", "customer_balance", "konbini", "multibanco", "nz_bank_account",
    "oxxo", "payto", "sepa_debit", "sofort", "us_bank_account"]'::jsonb
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
