-- charge_step: the provider takes amounts of this many minor units and their multiples: three-decimal currencies in tens,
-- and ISK and UGX, which have no decimals, as hundredths. Source: docs.stripe.com/currencies.
create or replace function ticketing.charge_step(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 10 when p_currency in ('ISK', 'UGX') then 100 else 1 end
$$;

-- charge_minimum: the least that the provider takes, in minor units; half a unit where it names none.
-- Source: docs.stripe.com/currencies#minimum-and-maximum-charge-amounts.
create or replace function ticketing.charge_minimum(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_currency
    when 'AED' then 200 when 'CZK' then 1500 when 'DKK' then 250 when 'GBP' then 30 when 'HKD' then 400 when 'HUF' then 17500
    when 'MXN' then 1000 when 'MYR' then 200 when 'NOK' then 300 when 'PLN' then 200 when 'RON' then 200 when 'SEK' then 300
    when 'THB' then 1000 when 'BHD' then 500 when 'JOD' then 500 when 'KWD' then 500 when 'OMR' then 500 when 'TND' then 500
    else 50 end
$$;

-- is_chargeable: nothing, or an amount that the provider takes: its minimum to its maximum of eight digits, in its steps.
create or replace function ticketing.is_chargeable(p_cents bigint, p_currency text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_cents = 0 or p_cents between ticketing.charge_minimum(p_currency) and 99999999
    and p_cents % ticketing.charge_step(p_currency) = 0
$$;

-- ticket_fee: what an event adds to a ticket: a fixed part and basis points of its price, rounded half up per ticket to what
-- the provider can charge. A free ticket has no fee.
create or replace function ticketing.ticket_fee(p_price_cents integer, p_fixed_cents integer, p_basis_points integer, p_currency text)
returns integer language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_price_cents = 0 then 0 else
    least(2147483647, floor((p_fixed_cents + p_price_cents::numeric * p_basis_points / 10000) / ticketing.charge_step(p_currency) + 0.5)
      * ticketing.charge_step(p_currency))::integer end
$$;
