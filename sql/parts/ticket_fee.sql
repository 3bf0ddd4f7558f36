-- ticket_fee: what an event adds to a ticket: a fixed part and basis points of its price, rounded half up per ticket to what
-- the provider can charge. A free ticket has no fee. Bounded, so that a fee beyond any charge is refused as an amount, not as a number.
create or replace function ticketing.ticket_fee(p_price_cents bigint, p_fixed_cents bigint, p_basis_points integer, p_currency text)
returns bigint language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_price_cents = 0 then 0 else
    least(1000000000000, floor((p_fixed_cents + p_price_cents::numeric * p_basis_points / 10000) / ticketing.charge_step(p_currency) + 0.5)
      * ticketing.charge_step(p_currency))::bigint end
$$;
