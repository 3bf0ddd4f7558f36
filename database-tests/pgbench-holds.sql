-- Twenty clients share eight sessions, which hold one tier again and again, extend and give back, while holds that are due end
-- beside them: a session has one hold, and none ends before its time.
--
--   psql "$DATABASE_URL" -f database-tests/race-condition-test.sql      (makes the tier)
--   pgbench -n -c 20 -j 4 -T 30 -D tier_id=00000000-0000-0000-00ac-000000000010 \
--     -f database-tests/pgbench-holds.sql "$DATABASE_URL"
--   psql "$DATABASE_URL" -f database-tests/invariant-checks.sql
\set session random(1, 8)
\set move random(1, 20)
\if :move <= 13
select reserve_tickets_batch('[{"tier_id": ":tier_id", "quantity": 1}]', 'session :session');
\elif :move <= 15
select extend_ticket_holds('session :session', 5);
\elif :move <= 17
select release_ticket_holds('session :session');
\else
select expire_ticket_holds();
\endif
