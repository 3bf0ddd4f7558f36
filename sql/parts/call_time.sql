-- call_time: how long a call to the provider may take and its outcome be stored; after it somebody else may ask.
create or replace function ticketing.call_time() returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$ select interval '15 seconds' $$;

-- next_turn: how long a lease lasts: as long as a call may take, doubling to five minutes.
create or replace function ticketing.next_turn(p_asked integer) returns interval
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select greatest(ticketing.call_time(), least(interval '10 seconds' * 2 ^ least(p_asked, 10), interval '5 minutes'))
$$;
