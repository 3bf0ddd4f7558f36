-- order_page: everything that an order's page shows; whoever knows its secret may see it.
-- Answers: ORDER_NOT_FOUND, also where the secret is another one
--          {success: true, order, state: order_state's, event, items, tickets, payment: null or {url}, refunds}
create or replace function ticketing.order_page(p_order_id uuid, p_secret text) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders;
begin
  select * into v_order from public.orders o where o.id = p_order_id and o.secret = p_secret;
  if v_order.id is null then
    return ticketing.refused('ORDER_NOT_FOUND');
  end if;
  return jsonb_build_object('success', true,
    'order', jsonb_build_object('id', v_order.id, 'status', v_order.status, 'customer_name', v_order.customer_name,
      'customer_email', v_order.customer_email, 'subtotal_cents', v_order.subtotal_cents, 'fees_cents', v_order.fees_cents,
      'total_cents', v_order.total_cents, 'currency', v_order.currency, 'created_at', v_order.created_at,
      'expires_at', v_order.expires_at, 'paid_at', v_order.paid_at),
    'state', ticketing.order_state(v_order),
    'event', (select jsonb_build_object('id', e.id, 'slug', e.slug, 'title', e.title, 'start_at', e.start_at, 'end_at', e.end_at,
      'time_zone', b.time_zone, 'venue', e.venue, 'city', e.city, 'status', e.status)
      from public.events e join public.businesses b on b.id = e.business_id where e.id = v_order.event_id),
    'items', (select jsonb_agg(jsonb_build_object('tier_id', t.id, 'tier_name', t.name, 'quantity', i.quantity,
        'unit_price_cents', i.unit_price_cents, 'unit_fee_cents', i.unit_fee_cents) order by i.tier_id)
      from public.order_items i join public.ticket_tiers t on t.id = i.tier_id where i.order_id = v_order.id),
    'tickets', (select coalesce(jsonb_agg(jsonb_build_object('id', k.id, 'tier_name', t.name, 'status', k.status,
        'qr_code', k.qr_code, 'checked_in_at', k.checked_in_at) order by k.tier_id, k.ordinal), '[]')
      from public.tickets k join public.ticket_tiers t on t.id = k.tier_id
      where k.event_id = v_order.event_id and k.order_id = v_order.id),
    'payment', (select jsonb_build_object('url', s.url) from ticketing.checkout_sessions s
      where s.order_id = v_order.id order by s.attempt desc limit 1),
    'refunds', (select coalesce(jsonb_agg(jsonb_build_object('amount_cents', r.amount_cents, 'status', r.status)
      order by r.created_at, r.id), '[]') from ticketing.refunds r where r.order_id = v_order.id));
end
$$;
