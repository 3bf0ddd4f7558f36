-- A payment that is reported twice issues its tickets once; one of them goes back, and the books balance at every step.
-- Paste it into any SQL editor as the tables' owner: it raises where something is wrong, and leaves nothing behind.
begin;
insert into businesses (id, slug, name) values ('00000000-0000-0000-00fe-0000000000b0', 'functional-test', 'Functional test');
insert into events (id, business_id, slug, title, start_at, end_at, status, fee_fixed_cents, fee_basis_points)
  values ('00000000-0000-0000-00fe-0000000000e0', '00000000-0000-0000-00fe-0000000000b0', 'functional-test', 'Functional test',
    now() + interval '1 day', now() + interval '2 days', 'published', 50, 250);
insert into ticket_tiers (id, event_id, slug, name, total_quantity, price_cents)
  values ('00000000-0000-0000-00fe-0000000000a0', '00000000-0000-0000-00fe-0000000000e0', 'floor', 'Floor', 5, 2500);

do $$
declare
  v_order jsonb := ticketing.checkout('{"event": "functional-test", "items": [{"tier": "floor", "quantity": 2}],
    "customer_name": "Ada", "customer_email": "ada@example.org"}');
  v_order_id uuid := (v_order ->> 'order_id')::uuid;
  v_paid jsonb := jsonb_build_object('id', 'evt_functional', 'type', 'checkout.session.completed', 'data', jsonb_build_object(
    'object', jsonb_build_object('id', 'cs_functional', 'object', 'checkout.session', 'mode', 'payment', 'payment_status', 'paid',
      'status', 'complete', 'payment_intent', 'pi_functional', 'amount_total', 5226, 'currency', 'eur',
      'client_reference_id', v_order_id, 'metadata', jsonb_build_object('order_id', v_order_id, 'attempt', '1'))));
  v_ticket uuid;
  v_refund jsonb;
begin
  -- 25.00 and a fee of 0.50 and 2.5 %, rounded half up: 1.13.
  assert (v_order ->> 'total_cents')::int = 5226, 'two tickets and their fees: ' || v_order::text;
  assert v_order ->> 'status' = 'pending' and (select count(*) from tickets where order_id = v_order_id) = 0, 'nothing before it is paid';
  perform ticketing.open_session(v_order_id, 1, '{"id": "cs_functional", "url": "https://checkout.stripe.com/c/pay/cs_functional"}');
  assert ticketing.checkout_session_status('cs_functional') ->> 'status' = 'pending', 'the order waits for its payment';

  assert ticketing.receive_webhook(v_paid) ->> 'outcome' = 'ISSUED', 'the payment issues the tickets';
  assert (ticketing.receive_webhook(v_paid) ->> 'duplicate')::boolean, 'the same event again is told so';
  assert ticketing.receive_webhook(v_paid || '{"id": "evt_functional_2"}') ->> 'outcome' = 'ALREADY_ISSUED',
    'another event about the same payment changes nothing';
  assert (select count(*) from tickets where order_id = v_order_id) = 2, 'two tickets, once';
  assert ticketing.checkout_session_status('cs_functional') ->> 'status' = 'complete', 'the order is complete';

  select id into v_ticket from tickets where order_id = v_order_id order by id limit 1;
  v_refund := ticketing.request_refund(v_order_id, array[v_ticket]);
  assert (v_refund ->> 'amount_cents')::int = 2613, 'a ticket goes back with its fee: ' || v_refund::text;
  assert not (select success from scan_ticket_atomic(v_ticket, gen_random_uuid())), 'what is on its way back opens no gate';
  perform ticketing.settle_refund(jsonb_build_object('id', 're_functional', 'amount', 2613, 'currency', 'eur', 'status', 'succeeded',
    'payment_intent', 'pi_functional', 'metadata', jsonb_build_object('refund_id', v_refund ->> 'refund_id')));
  assert (select status from tickets where id = v_ticket) = 'refunded', 'the ticket is refunded';
  assert (select status from orders where id = v_order_id) = 'partially_refunded', 'the order is refunded in part';
  assert (select reserved_quantity + sold_quantity from ticket_tiers where id = '00000000-0000-0000-00fe-0000000000a0') = 1,
    'its place is for sale again';
end
$$;

do $$
begin
  assert not exists (select from ticketing.broken_laws()), 'a law is broken: ' || (select string_agg(law, ', ') from ticketing.broken_laws());
end
$$;
rollback;
