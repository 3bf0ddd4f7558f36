import { CURRENCIES, type Currency, currencyNamed } from '../../src/core/currencies.ts'

/** What the payment provider takes, from the registry of currencies. */
export function currenciesSql(): string {
  return `-- Written by \`npm run generate\` from src/core/currencies.ts; a test compares the two.

-- is_chargeable: nothing, or an amount that the provider takes: its minimum to its maximum, in its steps.
create or replace function ticketing.is_chargeable(p_cents bigint, p_currency text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_cents = 0 or ticketing.is_currency(p_currency) and p_cents % ticketing.charge_step(p_currency) = 0
    and p_cents between ticketing.charge_minimum(p_currency) and ticketing.charge_maximum(p_currency)
$$;

-- is_currency: one that the provider takes.
create or replace function ticketing.is_currency(p_currency text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_currency = any ('{${Object.keys(CURRENCIES).sort().join(',')}}')
$$;

-- charge_step: the provider takes amounts of this many minor units and their multiples.
create or replace function ticketing.charge_step(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  ${byCurrency(({ chargeStep }) => chargeStep)}
$$;

-- charge_minimum: the least that the provider takes, in minor units.
create or replace function ticketing.charge_minimum(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  ${byCurrency(({ chargeMinimum }) => chargeMinimum)}
$$;

-- charge_maximum: the most that the provider takes, in minor units.
create or replace function ticketing.charge_maximum(p_currency text) returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$
  ${byCurrency(({ chargeMaximum }) => chargeMaximum)}
$$;
`
}

/** One value a currency, those with the same together, what most have last. */
function byCurrency(pick: (currency: Currency) => number): string {
  const usual = pick(currencyNamed('EUR'))
  const others = Object.entries(CURRENCIES).filter(([, currency]) => pick(currency) !== usual)
  const groups = Map.groupBy(others, ([, currency]) => pick(currency))
  const cases = [...groups].map(
    ([value, members]) =>
      `    when p_currency in (${members.map(([code]) => `'${code}'`).join(', ')}) then ${value}`,
  )
  return `select case\n${cases.join('\n')}\n    else ${usual} end`
}
