-- books_balance: a transaction that does not sum to zero, or an account of an order that says something else than its payments,
-- refunds, disputes and tickets: each account by itself. One row says what was expected and what is booked.
drop view if exists ticketing.law_books_balance;
create view ticketing.law_books_balance with (security_invoker = true) as
with sent as (
  select r.payment_id, sum(r.amount_cents) filter (where r.status = 'succeeded') as gone,
    sum(r.amount_cents) filter (where r.status in ('queued', 'pending') and r.cause <> 'dashboard') as going
  from ticketing.refunds r group by r.payment_id),
taken as (
  select d.payment_id, sum(d.amount_cents) as amount from ticketing.disputes d where d.status <> 'won' group by d.payment_id),
-- What a ticket that is not on its way back costs is sold: one that was voided without its money too.
sold as (
  select t.order_id, sum(i.unit_price_cents) as tickets, sum(i.unit_fee_cents) as fees
  from public.tickets t join public.order_items i on i.id = t.order_item_id
  where t.status not in ('refunding', 'refunded') group by t.order_id),
paid as (
  select p.order_id, p.currency, p.amount_cents as captured, coalesce(s.gone, 0) as refunds, coalesce(d.amount, 0) as disputed,
    case when p.status = 'kept' then coalesce(k.tickets, 0) else 0 end as tickets,
    case when p.status = 'kept' then coalesce(k.fees, 0) else 0 end as fees,
    case when p.status = 'kept' then coalesce(s.going, 0) else 0 end as going
  from ticketing.payments p
  left join sent s on s.payment_id = p.id left join taken d on d.payment_id = p.id left join sold k on k.order_id = p.order_id
  where p.status in ('kept', 'returned')),
-- What is left is pending; where too little is, sales have paid for it: the tickets first, then the fees.
ended as (
  select p.*, case when p.captured - p.refunds - p.disputed - p.tickets - p.fees > p.going
    then p.captured - p.refunds - p.disputed - p.tickets - p.fees else p.going end as pending from paid p),
orders as (
  select e.order_id, e.currency, sum(e.captured) as captured, sum(e.refunds) as refunds, sum(e.disputed) as disputed,
    sum(e.pending) as pending, sum(e.tickets) as tickets, sum(e.fees) as fees,
    sum(e.captured - e.refunds - e.disputed - e.pending) as sales
  from ended e group by e.order_id, e.currency),
expected as (
  select o.order_id, o.currency, a.account, a.amount from orders o cross join lateral (values
    ('captured', o.captured), ('refunds', -o.refunds), ('disputed', -o.disputed), ('pending', -o.pending),
    ('fees', -least(o.fees, o.sales)), ('tickets', least(o.fees, o.sales) - o.sales)) a(account, amount)),
booked as (
  select e.order_id, e.currency, e.account, sum(e.amount_cents) as amount
  from ticketing.ledger_entries e group by e.order_id, e.currency, e.account)
select e.transaction_id, min(e.order_id::text)::uuid as order_id, 'a transaction does not sum to zero' as broken,
  0::numeric as expected, sum(e.amount_cents) as booked
from ticketing.ledger_entries e group by e.transaction_id having sum(e.amount_cents) <> 0
union all
select null, coalesce(x.order_id, b.order_id), coalesce(x.account, b.account) || ' is not what payments, refunds and tickets say',
  coalesce(x.amount, 0), coalesce(b.amount, 0)
from expected x full join booked b on b.order_id = x.order_id and b.currency = x.currency and b.account = x.account
where coalesce(x.amount, 0) <> coalesce(b.amount, 0);
