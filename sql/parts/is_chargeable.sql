-- Written by `npm run generate` from src/core/currencies.ts; a test compares the two.

-- is_chargeable: nothing, or an amount that the provider takes: its minimum to its maximum, in its steps.
create or replace function ticketing.is_chargeable(p_cents bigint, p_currency text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_cents = 0 or p_cents between ticketing.charge_minimum(p_currency) and 99999999
    and p_cents % ticketing.charge_step(p_currency) = 0
$$;

-- charge_step: the provider takes amounts of this many minor units and their multiples.
create or replace function ticketing.charge_step(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 10
    when p_currency in ('ISK', 'UGX') then 100
    else 1 end
$$;

-- charge_minimum: the least that the provider takes, in minor units.
create or replace function ticketing.charge_minimum(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 500
    when p_currency in ('GBP') then 30
    when p_currency in ('BGN') then 100
    when p_currency in ('AED', 'MYR', 'PLN', 'RON') then 200
    when p_currency in ('DKK') then 250
    when p_currency in ('NOK', 'SEK') then 300
    when p_currency in ('HKD') then 400
    when p_currency in ('MXN', 'THB') then 1000
    when p_currency in ('CZK') then 1500
    when p_currency in ('HUF') then 17500
    else 50 end
$$;
