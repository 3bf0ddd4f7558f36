-- A free order gets its tickets at once, its retry gets the same ones, and a ticket opens the gate once.
-- Paste it into any SQL editor as the tables' owner: it raises where something is wrong, and leaves nothing behind.
begin;
insert into businesses (id, slug, name) values ('00000000-0000-0000-00fc-0000000000b0', 'functional-test', 'Functional test');
insert into events (id, business_id, slug, title, start_at, end_at, status)
  values ('00000000-0000-0000-00fc-0000000000e0', '00000000-0000-0000-00fc-0000000000b0', 'functional-test', 'Functional test',
    now() + interval '1 day', now() + interval '2 days', 'published');
insert into ticket_tiers (id, event_id, slug, name, total_quantity)
  values ('00000000-0000-0000-00fc-0000000000a0', '00000000-0000-0000-00fc-0000000000e0', 'floor', 'Floor', 5);

do $$
declare
  v_request constant jsonb := '{"event": "functional-test", "items": [{"tier": "floor", "quantity": 2}], "customer_name": "Ada",
    "customer_email": "ada@example.org", "idempotency_key": "functional-key", "fingerprint": "one"}';
  v_staff constant uuid := '00000000-0000-0000-00fc-0000000000f0';
  v_order jsonb := ticketing.checkout(v_request);
  v_ticket uuid := (v_order #>> '{tickets,0,id}')::uuid;
begin
  assert jsonb_array_length(v_order -> 'tickets') = 2, 'two tickets: ' || v_order::text;
  assert ticketing.checkout(v_request) -> 'tickets' = v_order -> 'tickets', 'the retry gets the same tickets';
  assert ticketing.checkout(v_request || '{"fingerprint": "two"}') ->> 'error_code' = 'IDEMPOTENCY_KEY_REUSED',
    'another request under the key is refused';
  assert (select success from scan_ticket_atomic(v_ticket, v_staff)), 'the first scan opens the gate';
  assert (select already_scanned from scan_ticket_atomic(v_ticket, v_staff)), 'the second is told that it was scanned';
  assert atomic_ticket_checkin(v_ticket, v_staff) ->> 'error' = 'ALREADY_USED', 'the desk is told the same';
end
$$;

do $$
begin
  assert not exists (select from ticketing.broken_laws()), 'a law is broken: ' || (select string_agg(law, ', ') from ticketing.broken_laws());
end
$$;
rollback;
