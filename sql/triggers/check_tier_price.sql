-- check_tier_price: refuses a price that nobody could pay, when it is saved: a currency that the provider does not take, a price
-- between its steps, one that is with its fee below its least or above its most. Free stays free. Totals are judged by checkout.
-- Definer functions: they see the event and its tiers, whoever writes. Write skew: a new tier writes its event's row, and another fee
-- or currency writes the event's tiers, so that two who cannot see each other meet in a row, and the one with a snapshot from
-- before it is told to retry (40001). A new price only reads: who has a tier's row waits for no event (cancel_event goes the other way).
create or replace function ticketing.check_tier_price() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  if tg_op = 'INSERT' then
    update public.events e set title = e.title where e.id = new.event_id;
  end if;
  perform ticketing.demand_price(new.price_cents, e.fee_fixed_cents, e.fee_basis_points, new.currency)
    from public.events e where e.id = new.event_id;
  return new;
end
$$;

create or replace trigger trg_check_tier_price before insert or update of price_cents, currency on public.ticket_tiers
  for each row execute function ticketing.check_tier_price();

-- check_event_prices: another fee or currency is another price of every tier.
-- Locks:  the event, whose row is being written, then its tiers, ascending id.
create or replace function ticketing.check_event_prices() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  perform ticketing.demand_price(0, 0, 0, new.currency);
  if tg_op = 'UPDATE' then
    -- First without waiting for sales, then with the lock that who orders has.
    perform ticketing.demand_unsold(old, new.currency);
    perform ticketing.lock_tiers(array(select t.id from public.ticket_tiers t where t.event_id = new.id));
    perform ticketing.demand_unsold(old, new.currency);
    update public.ticket_tiers t set name = t.name where t.event_id = new.id;
  end if;
  perform ticketing.demand_price(t.price_cents, new.fee_fixed_cents, new.fee_basis_points, new.currency)
    from public.ticket_tiers t where t.event_id = new.id;
  return new;
end
$$;

create or replace trigger trg_check_event_prices before insert or update of fee_fixed_cents, fee_basis_points, currency
  on public.events for each row execute function ticketing.check_event_prices();

-- demand_price: raises 23514 where nobody could pay it.
create or replace function ticketing.demand_price(
  p_price_cents bigint, p_fixed_cents bigint, p_basis_points integer, p_currency text) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  v_full bigint := p_price_cents + ticketing.ticket_fee(p_price_cents, p_fixed_cents, p_basis_points, p_currency);
begin
  if not ticketing.is_currency(p_currency) then
    raise exception 'CURRENCY_NOT_SUPPORTED: the payment provider takes no %', p_currency
      using errcode = '23514', constraint = 'check_currency_supported';
  elsif not ticketing.is_chargeable(v_full, p_currency) or p_price_cents % ticketing.charge_step(p_currency) <> 0 then
    raise exception 'AMOUNT_NOT_CHARGEABLE: a price of % minor units of %, % with its fee, cannot be paid',
        p_price_cents, p_currency, v_full
      using errcode = '23514', constraint = 'check_price_chargeable', hint = format(
        'The payment provider takes %s to %s, in steps of %s; 0 is free.', ticketing.charge_minimum(p_currency),
        ticketing.charge_maximum(p_currency), ticketing.charge_step(p_currency));
  end if;
end
$$;

-- demand_unsold: raises 23514 where the event has orders in another currency.
create or replace function ticketing.demand_unsold(p_event public.events, p_currency text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_currency <> p_event.currency and exists (
      select from public.orders o where o.event_id = p_event.id and o.status not in ('expired', 'cancelled')) then
    raise exception 'CURRENCY_IN_USE: event % has orders in %', p_event.id, p_event.currency
      using errcode = '23514', constraint = 'check_currency_unsold', hint = 'Make another event for another currency.';
  end if;
end
$$;
