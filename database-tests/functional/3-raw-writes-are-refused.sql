-- The owner of the tables cannot oversell either: not by a row, not by a counter, not by TRUNCATE.
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
begin
  begin
    insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
      values ('00000000-0000-0000-00fc-0000000000e0', v_tier, 'functional-raw', 6, now() + interval '1 hour');
    assert false, 'a hold of six in a tier of five';
  exception when check_violation then null;
  end;
  begin
    update ticket_tiers set sold_quantity = 1 where id = v_tier;
    assert false, 'a counter written by hand';
  exception when insufficient_privilege then null;
  end;
  begin
    truncate ticket_holds;
    assert false, 'a TRUNCATE';
  exception when insufficient_privilege then null;
  end;
  begin
    update ticket_tiers set total_quantity = -1 where id = v_tier;
    assert false, 'a tier of less than nothing';
  exception when check_violation then null;
  end;
end
$$;

do $$
begin
  assert not exists (select from ticketing.broken_laws()), 'a law is broken: ' || (select string_agg(law, ', ') from ticketing.broken_laws());
end
$$;
rollback;
