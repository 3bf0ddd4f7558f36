-- A hold whose time is up does not keep a buyer away.
-- Paste it into any SQL editor as the tables' owner: it raises where something is wrong, and leaves nothing behind.
begin;
insert into businesses (id, slug, name) values ('00000000-0000-0000-00fc-0000000000b0', 'functional-test', 'Functional test');
insert into events (id, business_id, slug, title, start_at, end_at, status)
  values ('00000000-0000-0000-00fc-0000000000e0', '00000000-0000-0000-00fc-0000000000b0', 'functional-test', 'Functional test',
    now() + interval '1 day', now() + interval '2 days', 'published');
insert into ticket_tiers (id, event_id, slug, name, total_quantity)
  values ('00000000-0000-0000-00fc-0000000000a0', '00000000-0000-0000-00fc-0000000000e0', 'floor', 'Floor', 5);

insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
  values ('00000000-0000-0000-00fc-0000000000e0', '00000000-0000-0000-00fc-0000000000a0', 'functional-lapsed', 5,
    clock_timestamp() - interval '1 second');
do $$
declare
  v_tier constant uuid := '00000000-0000-0000-00fc-0000000000a0';
  v_answer jsonb;
begin
  v_answer := reserve_tickets_batch(jsonb_build_array(jsonb_build_object('tier_id', v_tier, 'quantity', 5)), 'functional-next');
  assert (v_answer ->> 'success')::boolean, 'all five are held by the next: ' || v_answer::text;
  assert (select status from ticket_holds where session_id = 'functional-lapsed') = 'expired', 'the lapsed hold has ended';
  assert expire_ticket_holds() = 0, 'and the job finds nothing left to do';
end
$$;

do $$
begin
  assert not exists (select from ticketing.broken_laws()), 'a law is broken: ' || (select string_agg(law, ', ') from ticketing.broken_laws());
end
$$;
rollback;
