-- A hundred buyers under SERIALIZABLE: nothing is oversold, and who loses is told to retry (40001).
--
--   psql "$DATABASE_URL" -f database-tests/race-condition-test.sql      (makes the tier)
--   pgbench -n -c 100 -j 20 -T 60 --max-tries 10 --failures-detailed -D tier_id=00000000-0000-0000-00ac-000000000010 \
--     -f database-tests/pgbench-serializable.sql "$DATABASE_URL"
--   psql "$DATABASE_URL" -f database-tests/invariant-checks.sql
begin isolation level serializable;
select reserve_tickets_batch('[{"tier_id": ":tier_id", "quantity": 1}]');
end;
