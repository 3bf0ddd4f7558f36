-- Amounts are 64 bits wide, and a payment keeps the terms that it was begun under.

do $migration$ begin
if not ticketing.begin_migration('0012_amounts_and_terms') then return; end if;

-- 12 digits of IDR are more than 32 bits hold. A domain's base type is given once, so that the columns move to a new one.
drop view if exists ticketing.law_books_balance;
drop view if exists ticketing.law_paid_once_issued_once;
drop function if exists ticketing.ticket_fee(integer, integer, integer, text);
drop function if exists ticketing.price_cart(jsonb);
drop function if exists ticketing.prepare_session(uuid, jsonb, timestamptz);
drop function if exists ticketing.methods_too_slow(timestamptz, timestamptz);
alter domain ticketing.amount rename to amount_of_32_bits;
create domain ticketing.amount as bigint check (value >= 0);
alter table public.events alter column fee_fixed_cents type ticketing.amount;
alter table public.ticket_tiers alter column price_cents type ticketing.amount;
alter table public.order_items
  alter column unit_price_cents type ticketing.amount,
  alter column unit_fee_cents type ticketing.amount;
drop domain ticketing.amount_of_32_bits;

-- Snapshot of the settings that an order was promised under: another setting is for later orders.
alter table ticketing.checkout_sessions
  add column hold_extension interval,
  add column extend_below interval,
  add column delayed_payment_lifetime interval;
update ticketing.checkout_sessions c set hold_extension = s.hold_extension, extend_below = s.extend_below,
    delayed_payment_lifetime = s.delayed_payment_lifetime
  from ticketing.settings s;
alter table ticketing.checkout_sessions
  alter column hold_extension set not null,
  alter column extend_below set not null,
  alter column delayed_payment_lifetime set not null;

end $migration$;
