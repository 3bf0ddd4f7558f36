-- Fifty buyers, one tier of ten tickets: ten are held, everybody else is told that there are too few.
--
--   psql "$DATABASE_URL" -f database-tests/race-condition-test.sql      (makes the tier)
--   pgbench -n -c 50 -j 10 -T 30 -r -D tier_id=00000000-0000-0000-00ac-000000000010 \
--     -f database-tests/pgbench-reserve.sql "$DATABASE_URL"
--   psql "$DATABASE_URL" -f database-tests/invariant-checks.sql
--
-- A refusal is an answer, never an exception: a pgbench client would die of one.
select reserve_tickets_batch('[{"tier_id": ":tier_id", "quantity": 1}]');
