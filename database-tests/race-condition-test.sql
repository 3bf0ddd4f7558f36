-- The tier that pgbench-reserve.sql and pgbench-serializable.sql fight for: ten free tickets, made anew each time.
-- Needs the owner of the tables. `admit-once fixtures reserve-race` makes one with an id of its own instead.
begin;

delete from ticket_holds where event_id = '00000000-0000-0000-00ac-000000000001';
delete from ticket_tiers where event_id = '00000000-0000-0000-00ac-000000000001';
delete from events where id = '00000000-0000-0000-00ac-000000000001';
delete from businesses where id = '00000000-0000-0000-00ac-000000000000';

insert into businesses (id, slug, name)
  values ('00000000-0000-0000-00ac-000000000000', 'race-condition-test', 'Race condition test');
insert into events (id, business_id, slug, title, start_at, end_at, status)
  values ('00000000-0000-0000-00ac-000000000001', '00000000-0000-0000-00ac-000000000000', 'race-condition-test',
    'Race condition test', now() + interval '1 day', now() + interval '2 days', 'published');
insert into ticket_tiers (id, event_id, slug, name, total_quantity, max_per_order)
  values ('00000000-0000-0000-00ac-000000000010', '00000000-0000-0000-00ac-000000000001', 'ten', 'Ten tickets', 10, null);

commit;
