-- A buyer takes one free ticket: order, tickets and counters in one call. Sold out is an answer.
--
--   pgbench -n -c 50 -j 10 -T 30 -r -D tier_id=00000000-0000-0000-00ac-000000000010 \
--     -f database-tests/pgbench-orders.sql@2 -f database-tests/pgbench-holds.sql@3 -f database-tests/pgbench-availability.sql@5 \
--     "$DATABASE_URL"
\set buyer random(1, 1000000)
select ticketing.checkout(jsonb_build_object(
  'endpoint', 'create-ticket-checkout', 'event', event_id, 'items', jsonb_build_array(jsonb_build_object('tier', id, 'quantity', 1)),
  'customer_name', 'Buyer :buyer', 'customer_email', 'buyer-:buyer@example.org', 'session_id', 'buyer :buyer'))
from ticket_tiers where id = ':tier_id';
