-- books_balance: a transaction that does not sum to zero, or an order whose books disagree with the payments, refunds and
-- tickets that they are about. One row says what was expected and what is booked.
drop view if exists ticketing.law_books_balance;
create view ticketing.law_books_balance with (security_invoker = true) as
with booked as (
  select e.order_id, e.currency, sum(e.amount_cents) filter (where e.account = 'captured') as captured,
    -sum(e.amount_cents) filter (where e.account = 'refunds') as refunds,
    -sum(e.amount_cents) filter (where e.account in ('tickets', 'fees', 'disputed')) as sales,
    -sum(e.amount_cents) filter (where e.account = 'pending') as pending
  from ticketing.ledger_entries e group by e.order_id, e.currency),
paid as (
  select p.order_id, p.currency, sum(p.amount_cents) as captured
  from ticketing.payments p where p.status in ('kept', 'returned') group by p.order_id, p.currency),
sent as (
  select r.order_id, r.currency, sum(r.amount_cents) filter (where r.status = 'succeeded') as refunds,
    sum(r.goodwill_cents) as goodwill
  from ticketing.refunds r group by r.order_id, r.currency),
-- A dispute of what was on its way back is no sale.
unsold as (
  select d.order_id, p.currency, sum(d.amount_cents) as disputed
  from ticketing.disputes d join ticketing.payments p on p.id = d.payment_id
  where p.status = 'returned' and d.status <> 'won' group by d.order_id, p.currency),
-- What is on its way: of returned payments all that has not gone, of kept ones what was asked for and has not gone.
due as (
  select p.order_id, p.currency, sum(p.amount_cents) as amount
  from ticketing.payments p where p.status = 'returned' group by p.order_id, p.currency
  union all
  select r.order_id, r.currency, sum(case when r.status = 'succeeded' then -r.amount_cents else 0 end)
  from ticketing.refunds r join ticketing.payments p on p.id = r.payment_id and p.status = 'returned'
  group by r.order_id, r.currency
  union all
  select u.order_id, u.currency, -u.disputed from unsold u
  union all
  select r.order_id, r.currency, sum(r.amount_cents)
  from ticketing.refunds r join ticketing.payments p on p.id = r.payment_id and p.status = 'kept'
  where r.status in ('queued', 'pending') and r.cause <> 'dashboard' group by r.order_id, r.currency),
living as (
  select t.order_id, o.currency::text as currency, sum(i.unit_price_cents + i.unit_fee_cents) as price
  from public.tickets t join public.order_items i on i.id = t.order_item_id join public.orders o on o.id = t.order_id
  where t.status in ('valid', 'used') group by t.order_id, o.currency)
select e.transaction_id, min(e.order_id::text)::uuid as order_id, 'a transaction does not sum to zero' as broken,
  0::numeric as expected, sum(e.amount_cents) as booked
from ticketing.ledger_entries e group by e.transaction_id having sum(e.amount_cents) <> 0
union all
select null, coalesce(b.order_id, p.order_id), 'captured is not what was paid', coalesce(p.captured, 0), coalesce(b.captured, 0)
from booked b full join paid p on p.order_id = b.order_id and p.currency = b.currency
where coalesce(p.captured, 0) <> coalesce(b.captured, 0)
union all
select null, coalesce(b.order_id, s.order_id), 'refunds are not what was sent back', coalesce(s.refunds, 0),
  coalesce(b.refunds, 0)
from booked b full join sent s on s.order_id = b.order_id and s.currency = b.currency
where coalesce(s.refunds, 0) <> coalesce(b.refunds, 0)
union all
select null, k.order_id, 'tickets and fees are not what the living tickets cost', sum(k.price - k.goodwill), sum(k.sales)
from (
  select l.order_id, l.currency, l.price, 0::numeric as goodwill, 0::numeric as sales from living l
  union all
  select u.order_id, u.currency, u.disputed, 0, 0 from unsold u
  union all
  select s.order_id, s.currency, 0, coalesce(s.goodwill, 0), 0 from sent s
  union all
  select b.order_id, b.currency, 0, 0, coalesce(b.sales, 0) from booked b) k
group by k.order_id, k.currency having sum(k.price - k.goodwill) <> sum(k.sales)
union all
select null, d.order_id, 'pending is not what is on its way', sum(d.amount), sum(d.booked)
from (
  select due.order_id, due.currency, due.amount, 0::numeric as booked from due
  union all
  select b.order_id, b.currency, 0, coalesce(b.pending, 0) from booked b) d
group by d.order_id, d.currency having sum(d.amount) <> sum(d.booked);
