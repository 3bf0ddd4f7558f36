-- Buyers: an order that its buyer gave up.

do $migration$ begin
if not ticketing.begin_migration('0013_buyers') then return; end if;

-- When its buyer gave it up: nothing is promised from then on, and its payment page is closed.
alter table public.orders add column given_up_at timestamptz;

end $migration$;
