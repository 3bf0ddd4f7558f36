-- A million tickets in half a million orders of 500 events, a fifth of them of one business, and 350,000 scans; past the triggers,
-- which would count and judge row by row what is right as it is made.
begin;
set local synchronous_commit = off;
alter table public.ticket_tiers disable trigger all;
alter table public.orders disable trigger all;
alter table public.order_items disable trigger all;
alter table public.tickets disable trigger all;
alter table public.scan_logs disable trigger all;

insert into public.businesses (slug, name) select 'house-' || n, 'House ' || n from generate_series(1, 100) n;
insert into public.business_staff (business_id, user_id, role)
  select b.id, case b.slug when 'house-1' then :'organiser'::uuid else gen_random_uuid() end, 'owner' from public.businesses b;

-- The first business has ten events, each ten times as large as one of the others.
create temporary table event_numbers on commit drop as
  select n, ticketing.uuid_v7() as id, case when n <= 10 then 1 else 2 + n % 99 end as house from generate_series(1, 500) n;
insert into public.events (id, business_id, slug, title, start_at, end_at, city, status)
  select e.id, b.id, 'event-' || e.n, 'Event ' || e.n, now() + e.n * interval '1 hour', now() + e.n * interval '1 hour' + interval '4 hours',
    (array['Wien', 'Graz', 'Linz'])[1 + e.n % 3], 'published'
  from event_numbers e join public.businesses b on b.slug = 'house-' || e.house;
create temporary table tier_numbers on commit drop as
  select e.n, e.id as event_id, t.t, ticketing.uuid_v7() as id from event_numbers e, generate_series(0, 2) t(t);

create temporary table order_numbers on commit drop as
  select o, e.id as event_id, t.id as tier_id, ticketing.uuid_v7() as id, ticketing.uuid_v7() as item_id, gen_random_uuid() as user_id
  from generate_series(0, 499999) o
  join event_numbers e on e.n = case when o % 5 = 0 then 1 + o / 5 % 10 else 11 + o % 490 end
  join tier_numbers t on t.n = e.n and t.t = o / 50 % 3;
analyze order_numbers;

insert into public.ticket_tiers (id, event_id, slug, name, price_cents, currency, total_quantity, sold_quantity)
  select t.id, t.event_id, 'tier-' || t.t, 'Tier ' || t.t, 2500, 'EUR', 100000,
    (select count(*) * 2 from order_numbers o where o.tier_id = t.id)
  from tier_numbers t;
insert into public.orders (id, event_id, user_id, session_id, status, currency, total_cents, subtotal_cents, customer_email,
    customer_name, created_at, paid_at, tickets_issued_at)
  select o.id, o.event_id, o.user_id, ticketing.session_id('s'), case when o.o % 20 = 0 then 'refunded' else 'paid' end, 'EUR', 5000, 5000,
    'buyer-' || o.o || '@example.org', 'Buyer ' || o.o, now() - o.o * interval '1 second', now() - o.o * interval '1 second', now()
  from order_numbers o;
insert into public.order_items (id, order_id, event_id, tier_id, quantity, unit_price_cents)
  select o.item_id, o.id, o.event_id, o.tier_id, 2, 2500 from order_numbers o;
insert into public.tickets (event_id, tier_id, order_id, order_item_id, ordinal, status, checked_in_at)
  select o.event_id, o.tier_id, o.id, o.item_id, n,
    case when o.o % 20 = 0 then 'refunded' when o.o % 5 < 2 then 'used' else 'valid' end,
    case when o.o % 20 <> 0 and o.o % 5 < 2 then now() - (o.o % 864000) * interval '1 second' end
  from order_numbers o, generate_series(1, 2) n;
insert into public.scan_logs (event_id, ticket_id, presented_id, device_id, scan_method, scan_success, scanned_at, business_id)
  select t.event_id, t.id, t.id, 'gate-1', 'qr', true, t.checked_in_at, e.business_id
  from public.tickets t join public.events e on e.id = t.event_id where t.status = 'used';

alter table public.ticket_tiers enable trigger all;
alter table public.orders enable trigger all;
alter table public.order_items enable trigger all;
alter table public.tickets enable trigger all;
alter table public.scan_logs enable trigger all;
commit;
