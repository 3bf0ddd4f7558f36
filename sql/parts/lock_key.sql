-- lock_key: take one advisory lock until the end of the transaction.
--
-- How long it waits: limit_wait. Then 55P03.
-- Above READ COMMITTED a waiter's snapshot is older than the lock it waits for, so it would lose anyway: it is told
-- at once (40001, retry with backoff).
-- Keys are 64 bit: with hashtext's 32, two of 300,000 keys already met 13 times.
create or replace function ticketing.lock_key(p_key text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_key bigint := hashtextextended(p_key, 0);
begin
  if pg_try_advisory_xact_lock(v_key) then
    return;
  end if;
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'could not serialize access: % is locked by another transaction', p_key
      using errcode = '40001', hint = 'Retry the transaction, after a short random wait.';
  end if;
  perform ticketing.limit_wait();
  perform pg_advisory_xact_lock(v_key);
end
$$;

-- limit_wait: what the caller waits for from here on is given up in time to answer. The whole call waits at most five
-- seconds, or four fifths of its statement_timeout where that is shorter: lock_timeout counts per wait, so what earlier
-- waits of the same statement took is subtracted.
create or replace function ticketing.limit_wait() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_statement interval := current_setting('statement_timeout')::interval;
  v_budget interval := '5 s';
begin
  if v_statement > interval '0' then
    v_budget := least(v_budget, v_statement * 0.8);
  end if;
  v_budget := greatest(v_budget - (clock_timestamp() - statement_timestamp()), interval '50 ms');
  perform set_config('lock_timeout', ceil(extract(epoch from v_budget) * 1000) || 'ms', true);
end
$$;
