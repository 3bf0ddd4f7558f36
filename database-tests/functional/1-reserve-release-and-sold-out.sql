-- A tier of five is held, refused, released and held again; its counter follows.
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
  v_tier constant uuid := '00000000-0000-0000-00fc-0000000000a0';
  v_answer jsonb;
begin
  v_answer := reserve_tickets_batch(jsonb_build_array(jsonb_build_object('tier_id', v_tier, 'quantity', 3)), 'functional-a');
  assert (v_answer ->> 'success')::boolean, 'three of five are held: ' || v_answer::text;
  v_answer := reserve_tickets_batch(jsonb_build_array(jsonb_build_object('tier_id', v_tier, 'quantity', 3)), 'functional-b');
  assert v_answer ->> 'error_code' = 'INSUFFICIENT_TICKETS', 'three more are refused: ' || v_answer::text;
  assert (v_answer #>> '{failed,0,available}')::integer = 2, 'the refusal says that two are left: ' || v_answer::text;
  v_answer := reserve_tickets_atomically(v_tier, 2);
  assert (v_answer ->> 'remaining')::integer = 0, 'the last two are held: ' || v_answer::text;
  assert (select reserved_quantity from ticket_tiers where id = v_tier) = 5, 'the counter says five';
  v_answer := release_ticket_holds('functional-a');
  assert (v_answer ->> 'released')::integer = 3, 'three come back: ' || v_answer::text;
  v_answer := reserve_tickets_batch(jsonb_build_array(jsonb_build_object('tier_id', v_tier, 'quantity', 3)), 'functional-b');
  assert (v_answer ->> 'success')::boolean, 'and are held again: ' || v_answer::text;
end
$$;

do $$
begin
  assert not exists (select from ticketing.broken_laws()), 'a law is broken: ' || (select string_agg(law, ', ') from ticketing.broken_laws());
end
$$;
rollback;
