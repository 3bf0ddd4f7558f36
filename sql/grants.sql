-- Who may call and read what. Everything is taken away first, from the API's roles by name too: Supabase's older default
-- privileges grant by name, its newer ones grant nothing, and both must end here.

do $grants$
declare
  v_object record;
begin
  for v_object in
    select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v')
      and (n.nspname = 'ticketing' or n.nspname = 'public' and c.relname in (select t.name from ticketing.tables t))
  loop
    execute format('revoke all on table %s from public, anon, authenticated, service_role', v_object.name);
  end loop;
  for v_object in
    select p.oid::regprocedure as name from pg_proc p
    where p.pronamespace = 'ticketing'::regnamespace
       -- Our doors, which call the verb of their own name; a stranger's function of that name stays as it is.
       or p.pronamespace = 'public'::regnamespace and p.prosrc like '%ticketing.' || p.proname || '(%'
  loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_object.name);
  end loop;
end
$grants$;

revoke all on schema ticketing from public, anon, authenticated, service_role;
grant usage on schema ticketing to anon, authenticated, service_role;
grant usage on schema public to anon, authenticated, service_role;

-- The verbs: what is in the vault, and the door in public before it, for the same roles. public.sql is written from those that
-- have a door.
do $grants$
declare
  v_verb record;
  v_function regprocedure;
begin
  for v_verb in
    select * from (values
      ('reserve_tickets_atomically',   'door',   'anon, authenticated, service_role'),
      ('reserve_tickets_batch',        'door',   'anon, authenticated, service_role'),
      ('release_tickets',              'door',   'anon, authenticated, service_role'),
      ('extend_ticket_holds',          'door',   'anon, authenticated, service_role'),
      ('release_ticket_holds',         'door',   'anon, authenticated, service_role'),
      ('claim_offer_spots_atomically', 'door',   'anon, authenticated, service_role'),
      ('book_slot_atomically',         'door',   'anon, authenticated, service_role'),
      ('cancel_reservation',           'door',   'anon, authenticated, service_role'),
      ('cancel_claim',                 'door',   'anon, authenticated, service_role'),
      ('local_time',                   'door',   'anon, authenticated, service_role'),
      ('events_on_sale',               'vault',  'anon, authenticated, service_role'),
      ('event_page',                   'vault',  'anon, authenticated, service_role'),
      ('checkout',                     'vault',  'anon, authenticated, service_role'),
      ('checkout_many',                'vault',  'service_role'),
      ('checkout_session_status',      'vault',  'anon, authenticated, service_role'),
      ('order_page',                   'vault',  'anon, authenticated, service_role'),
      ('waiting_orders',               'vault',  'anon, authenticated, service_role'),
      ('fits_without',                 'vault',  'anon, authenticated, service_role'),
      ('cancel_order',                 'vault',  'anon, authenticated, service_role'),
      ('release_offer_spots',          'door',   'authenticated, service_role'),
      ('atomic_ticket_checkin',        'door',   'authenticated, service_role'),
      ('scan_ticket_atomic',           'door',   'authenticated, service_role'),
      ('sync_offline_scan',            'door',   'authenticated, service_role'),
      ('sync_offline_scans',           'vault',  'authenticated, service_role'),
      ('gate_list',                    'vault',  'authenticated, service_role'),
      ('double_admissions',            'door',   'authenticated, service_role'),
      ('validate_qr',                  'vault',  'authenticated, service_role'),
      ('undo_scan',                    'vault',  'authenticated, service_role'),
      ('register_code_key',            'vault',  'service_role'),
      ('list_code_keys',               'vault',  'service_role'),
      ('revoke_code_key',              'vault',  'service_role'),
      ('sign_up',                      'vault',  'service_role'),
      ('find_password',                'vault',  'service_role'),
      ('begin_sign_in',                'vault',  'service_role'),
      ('refresh_sign_in',              'vault',  'service_role'),
      ('end_sign_ins',                 'vault',  'service_role'),
      ('signed_in_user',               'vault',  'service_role'),
      ('change_user',                  'vault',  'service_role'),
      ('write_code',                   'vault',  'service_role'),
      ('take_code',                    'vault',  'service_role'),
      ('find_users',                   'vault',  'service_role'),
      ('delete_user',                  'vault',  'service_role'),
      ('has_own_users',                'vault',  'service_role'),
      ('forget_leftovers',             'vault',  'service_role'),
      ('reserve_many',                 'vault',  'service_role'),
      ('expire_ticket_holds',          'door',   'service_role'),
      ('expire_orders',                'vault',  'service_role'),
      ('open_session',                 'vault',  'service_role'),
      ('refuse_session',               'vault',  'service_role'),
      ('due_sessions',                 'vault',  'service_role'),
      ('request_refund',               'vault',  'authenticated, service_role'),
      ('void_tickets',                 'vault',  'authenticated, service_role'),
      ('cancel_event',                 'vault',  'authenticated, service_role'),
      ('continue_cancellations',       'vault',  'service_role'),
      ('disputed_orders',              'door',   'authenticated, service_role'),
      ('receive_webhook',              'vault',  'service_role'),
      ('settle_session',               'vault',  'service_role'),
      ('settle_refund',                'vault',  'service_role'),
      ('refuse_refund',                'vault',  'service_role'),
      ('due_refunds',                  'vault',  'service_role'),
      ('due_payments',                 'vault',  'service_role'),
      ('claim_order_ticketing',        'door',   'service_role'),
      ('issue_order_tickets',          'door',   'service_role'),
      ('verify_protections',           'door',   'service_role'),
      ('broken_laws',                  'vault',  'service_role'),
      ('operating_figures',            'vault',  'service_role'),
      -- What policies and column defaults call as the reader or writer
      ('charge_step',                  'helper', 'anon, authenticated, service_role'),
      ('my_businesses',                'helper', 'anon, authenticated, service_role'),
      ('my_events',                    'helper', 'anon, authenticated, service_role'),
      ('managed_businesses',           'helper', 'authenticated, service_role'),
      ('owned_businesses',             'helper', 'authenticated, service_role'),
      ('managed_events',               'helper', 'authenticated, service_role'),
      ('managed_offers',               'helper', 'authenticated, service_role'),
      ('my_orders',                    'helper', 'anon, authenticated, service_role'),
      ('uuid_v7',                      'helper', 'authenticated, service_role'),
      ('cell_of',                      'helper', 'service_role'),
      -- Asked by the server's realtime, which then goes on in the subscribers' roles
      ('visible_rows',                 'helper', 'service_role'),
      ('channel_rights',               'helper', 'service_role')
    ) as m(name, place, roles)
  loop
    for v_function in
      select p.oid from pg_proc p
      where p.proname = v_verb.name and (p.pronamespace = 'ticketing'::regnamespace
        or p.pronamespace = 'public'::regnamespace and p.prosrc like '%ticketing.' || p.proname || '(%')
    loop
      execute format('grant execute on function %s to %s', v_function, v_verb.roles);
    end loop;
  end loop;
end
$grants$;

-- The tables. Counters and what a verb writes are in no grant but the service role's right to read.
grant select on public.businesses, public.events, public.ticket_tiers, public.discounts, public.slots
  to anon, authenticated, service_role;
grant select on public.business_staff, public.order_items, public.ticket_holds, public.tickets, public.scan_logs, public.vip_reservations
  to authenticated, service_role;
-- Bearer secrets: what opens an order's page, stands for a request or opens a gate is told by the verbs to whose it is. Columns by
-- name, so that a new one is hidden until somebody decides.
grant select (id, event_id, user_id, status, currency, total_cents, total_amount, subtotal_cents, fees_cents, customer_email,
  customer_name, expires_at, extended_at, ticketing_claimed_at, tickets_issued_at, created_at, paid_at)
  on public.orders to authenticated;
grant select (id, discount_id, business_id, user_id, party_size, status, one_per_person, redeemed_at, redeemed_by, created_at)
  on public.offer_claims to authenticated;
grant select (id, business_id, slot_id, date, preferred_time, user_id, party_size, reservation_name, phone_number,
  seating_preference, special_requests, is_offer_based, status, confirmation_code, checked_in_at, checked_in_by, created_at)
  on public.reservations to authenticated;
grant select on public.orders, public.offer_claims, public.reservations, public.idempotency_keys, public.webhook_events to service_role;
grant select on ticketing.slot_days, ticketing.migrations, ticketing.checkout_sessions, ticketing.payments, ticketing.refunds,
  ticketing.disputes, ticketing.voids, ticketing.ledger_entries to service_role;

grant insert, update, delete on public.businesses, public.business_staff to service_role;
-- PostgREST's upsert writes every column of its body: an id may be written, as what it is (refuse_move).
grant insert (id, slug, name, time_zone), update (id, slug, name, time_zone), delete on public.businesses to authenticated;
grant insert (business_id, user_id, role), update (business_id, user_id, role), delete on public.business_staff to authenticated;
grant insert (id, business_id, slug, title, description, start_at, end_at, venue, city, country, category, cover_image_url, status,
    currency, fee_fixed_cents, fee_basis_points, entry_from, entry_until),
  update (id, business_id, slug, title, description, start_at, end_at, venue, city, country, category, cover_image_url, status,
    currency, fee_fixed_cents, fee_basis_points, entry_from, entry_until), delete
  on public.events to authenticated, service_role;
grant insert (id, event_id, slug, name, price_cents, currency, total_quantity, max_per_order, max_per_person, status,
    sale_start_at, sale_end_at),
  update (id, event_id, slug, name, price_cents, currency, total_quantity, max_per_order, max_per_person, status, sale_start_at, sale_end_at),
  delete
  on public.ticket_tiers to authenticated, service_role;
grant insert (id, business_id, title, total_people, one_claim_per_person, active, starts_at, ends_at),
  update (id, business_id, title, total_people, one_claim_per_person, active, starts_at, ends_at), delete
  on public.discounts to authenticated, service_role;
grant insert (id, business_id, date, weekday, time_from, time_to, capacity, max_party_size, max_per_person, active),
  update (id, business_id, date, weekday, time_from, time_to, capacity, max_party_size, max_per_person, active), delete
  on public.slots to authenticated, service_role;

-- Whose rows: everybody reads what is for sale; a buyer reads what is the buyer's; owners and managers what is their business's,
-- but for what opens a door.
-- The door works through verbs, which tell it no more than it needs: a row of an order, a hold or a ticket would let it in, pay
-- with it, or write to the guest.
-- Called otherwise before 0.2.0.
drop policy if exists buyer_and_managers_read on public.ticket_holds;
drop policy if exists buyer_and_managers_read on public.tickets;
do $policies$
declare
  v_policy record;
begin
  for v_policy in
    select * from (values
      ('businesses', 'anyone_reads', 'select', 'anon, authenticated', 'true', null),
      ('business_staff', 'member_reads', 'select', 'authenticated',
        'user_id = (select auth.uid()) or business_id in (select ticketing.my_businesses())', null),
      ('events', 'anyone_reads_published', 'select', 'anon, authenticated',
        'status <> ''draft'' or business_id in (select ticketing.my_businesses())', null),
      ('ticket_tiers', 'anyone_reads_published', 'select', 'anon, authenticated',
        'exists (select from public.events e where e.id = event_id)', null),
      ('discounts', 'anyone_reads', 'select', 'anon, authenticated', 'true', null),
      ('slots', 'anyone_reads', 'select', 'anon, authenticated', 'true', null),
      -- InitPlan: an array is an index condition; `in (select …)` would be a filter of every row.
      ('orders', 'buyer_and_managers_read', 'select', 'authenticated',
        'user_id = (select auth.uid()) or event_id = any (array(select ticketing.managed_events()))', null),
      ('order_items', 'buyer_and_managers_read', 'select', 'authenticated',
        'order_id = any (array(select ticketing.my_orders())) or event_id = any (array(select ticketing.managed_events()))', null),
      -- Whoever has a session owns its holds, and whoever has a code gets in: a column of such a row is its buyer's alone. Staff
      -- sees orders, items, scans and the counters.
      ('ticket_holds', 'buyer_reads', 'select', 'authenticated', 'user_id = (select auth.uid())', null),
      ('tickets', 'buyer_reads', 'select', 'authenticated', 'order_id = any (array(select ticketing.my_orders()))', null),
      ('scan_logs', 'staff_reads', 'select', 'authenticated',
        'event_id = any (array(select ticketing.my_events())) or business_id = any (array(select ticketing.my_businesses()))', null),
      ('offer_claims', 'guest_and_managers_read', 'select', 'authenticated',
        'user_id = (select auth.uid()) or discount_id = any (array(select ticketing.managed_offers()))', null),
      ('reservations', 'guest_and_managers_read', 'select', 'authenticated',
        'user_id = (select auth.uid()) or business_id = any (array(select ticketing.managed_businesses()))', null),
      ('vip_reservations', 'guest_and_managers_read', 'select', 'authenticated',
        'user_id = (select auth.uid()) or business_id = any (array(select ticketing.managed_businesses()))', null),
      ('idempotency_keys', 'nobody_reads', 'select', 'anon, authenticated', 'false', null),
      ('webhook_events', 'nobody_reads', 'select', 'anon, authenticated', 'false', null),
      ('businesses', 'user_inserts', 'insert', 'authenticated', null, '(select auth.uid()) is not null'),
      ('businesses', 'manager_updates', 'update', 'authenticated', 'id in (select ticketing.managed_businesses())', null),
      ('businesses', 'owner_deletes', 'delete', 'authenticated', 'id in (select ticketing.owned_businesses())', null),
      ('business_staff', 'owner_inserts', 'insert', 'authenticated', null, 'business_id in (select ticketing.owned_businesses())'),
      ('business_staff', 'owner_updates', 'update', 'authenticated', 'business_id in (select ticketing.owned_businesses())', null),
      ('business_staff', 'owner_deletes', 'delete', 'authenticated', 'business_id in (select ticketing.owned_businesses())', null),
      ('events', 'staff_inserts', 'insert', 'authenticated', null, 'business_id in (select ticketing.managed_businesses())'),
      ('events', 'staff_updates', 'update', 'authenticated', 'business_id in (select ticketing.managed_businesses())', null),
      ('events', 'staff_deletes', 'delete', 'authenticated', 'business_id in (select ticketing.managed_businesses())', null),
      ('ticket_tiers', 'staff_inserts', 'insert', 'authenticated', null, 'event_id in (select ticketing.managed_events())'),
      ('ticket_tiers', 'staff_updates', 'update', 'authenticated', 'event_id in (select ticketing.managed_events())', null),
      ('ticket_tiers', 'staff_deletes', 'delete', 'authenticated', 'event_id in (select ticketing.managed_events())', null),
      ('discounts', 'staff_inserts', 'insert', 'authenticated', null, 'business_id in (select ticketing.managed_businesses())'),
      ('discounts', 'staff_updates', 'update', 'authenticated', 'business_id in (select ticketing.managed_businesses())', null),
      ('discounts', 'staff_deletes', 'delete', 'authenticated', 'business_id in (select ticketing.managed_businesses())', null),
      ('slots', 'staff_inserts', 'insert', 'authenticated', null, 'business_id in (select ticketing.managed_businesses())'),
      ('slots', 'staff_updates', 'update', 'authenticated', 'business_id in (select ticketing.managed_businesses())', null),
      ('slots', 'staff_deletes', 'delete', 'authenticated', 'business_id in (select ticketing.managed_businesses())', null)
    ) as p(table_name, name, action, roles, using_rows, with_rows)
  loop
    execute format('alter table public.%I enable row level security', v_policy.table_name);
    execute format('drop policy if exists %I on public.%I', v_policy.name, v_policy.table_name);
    execute format('create policy %I on public.%I for %s to %s %s %s', v_policy.name, v_policy.table_name, v_policy.action,
      v_policy.roles, 'using (' || v_policy.using_rows || ')', 'with check (' || v_policy.with_rows || ')');
  end loop;
end
$policies$;
