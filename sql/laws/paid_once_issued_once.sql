-- paid_once_issued_once: an order with two payments, a payment that is there twice, goes back twice, is more than the order
-- costs or is owed back and not sent, an order whose tickets are not those it paid for. cents: how much.
drop view if exists ticketing.law_paid_once_issued_once;
create view ticketing.law_paid_once_issued_once with (security_invoker = true) as
select p.order_id, min(p.id) as payment_id, 'several payments are kept' as broken, sum(p.amount_cents)::bigint as cents
from ticketing.payments p where p.status = 'kept' group by p.order_id having count(*) > 1
union all
select min(p.order_id::text)::uuid, p.id, 'one payment is there several times', sum(p.amount_cents)::bigint
from ticketing.payments p group by p.id having count(*) > 1
union all
select o.id, p.id, 'the payment that is kept is not what the order costs', p.amount_cents
from ticketing.payments p join public.orders o on o.id = p.order_id
where p.status = 'kept' and (p.amount_cents <> o.total_cents or p.currency <> o.currency)
union all
select o.id, p.id, 'paid, and no tickets were issued', p.amount_cents
from ticketing.payments p join public.orders o on o.id = p.order_id
where p.status = 'kept' and (o.tickets_issued_at is null or o.status in ('pending', 'expired'))
union all
select o.id, null, 'tickets were issued, and no payment is kept', o.total_cents
from public.orders o where o.total_cents > 0 and o.tickets_issued_at is not null and not exists (
  select from ticketing.payments p where p.order_id = o.id and p.status = 'kept')
union all
select i.order_id, null, 'more tickets than were ordered', null
from public.order_items i join public.tickets t on t.order_item_id = i.id
group by i.id, i.order_id, i.quantity having count(*) > i.quantity
union all
select t.order_id, null, 'one place of an order has several tickets', null
from public.tickets t group by t.order_id, t.order_item_id, t.ordinal having count(*) > 1
union all
select min(r.order_id::text)::uuid, r.payment_id, 'a payment is returned several times', sum(r.amount_cents)::bigint
from ticketing.refunds r where r.cause not in ('staff', 'dashboard') and r.status in ('queued', 'pending')
group by r.payment_id having count(*) > 1
union all
select r.order_id, r.payment_id, 'more was sent back than was paid', r.amount::bigint
from (select r.order_id, r.payment_id, sum(r.amount_cents) as amount from ticketing.refunds r
      where r.status = 'succeeded' group by r.order_id, r.payment_id) r
where r.amount > coalesce((select min(p.amount_cents) from ticketing.payments p where p.id = r.payment_id), 0)
union all
select b.order_id, b.id, 'money is owed back, and it is not on its way', b.owed::bigint
from (
  select p.order_id, p.id, p.amount_cents - (
    select coalesce(sum(r.amount_cents), 0) from ticketing.refunds r where r.payment_id = p.id and r.status <> 'failed') - (
    select coalesce(sum(d.amount_cents), 0) from ticketing.disputes d where d.payment_id = p.id and d.status <> 'won') - case
    when p.status = 'kept' then (
      select coalesce(sum(i.unit_price_cents + i.unit_fee_cents), 0)
      from public.tickets t join public.order_items i on i.event_id = t.event_id and i.id = t.order_item_id
      where t.event_id = p.event_id and t.order_id = p.order_id and t.status not in ('refunding', 'refunded')) else 0 end as owed
  from ticketing.payments p where p.status in ('kept', 'returned')) b
where b.owed > 0 and not exists (
  select from ticketing.refunds r where r.payment_id = b.id and r.cause not in ('staff', 'dashboard')
    and r.status in ('queued', 'pending'))
union all
select o.id, p.id, 'refunded, says the order, and the money did not go', p.amount_cents
from public.orders o join ticketing.payments p on p.order_id = o.id and p.status = 'kept'
where o.status = 'refunded' and p.amount_cents > (
    select coalesce(sum(r.amount_cents), 0) from ticketing.refunds r where r.payment_id = p.id and r.status = 'succeeded') + (
    select coalesce(sum(d.amount_cents), 0) from ticketing.disputes d where d.payment_id = p.id and d.status <> 'won') + (
    select coalesce(sum(i.unit_price_cents + i.unit_fee_cents), 0)
    from public.tickets t join public.order_items i on i.event_id = t.event_id and i.id = t.order_item_id
    where t.event_id = o.event_id and t.order_id = o.id and t.status not in ('refunding', 'refunded'));
