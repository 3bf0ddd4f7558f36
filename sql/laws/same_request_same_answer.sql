-- same_request_same_answer: two orders, two claims or two bookings made under one key of a business, or a kept answer whose order does not
-- exist or belongs to another request.
drop view if exists ticketing.law_same_request_same_answer;
create view ticketing.law_same_request_same_answer with (security_invoker = true) as
select o.request_key, count(*) as made, 'several orders under one key' as broken
from public.orders o where o.request_key is not null group by o.request_key having count(*) > 1
union all
select c.request_key, count(*), 'several claims under one key'
from public.offer_claims c where c.request_key is not null group by c.request_key having count(*) > 1
union all
select r.request_key, count(*), 'several bookings under one key'
from public.reservations r where r.request_key is not null group by r.request_key having count(*) > 1
union all
select k.business_id || ':' || k.caller || ':' || k.key, count(o.id), 'the kept answer names no order of this key'
from public.idempotency_keys k
left join public.orders o on o.id = (k.answer ->> 'order_id')::uuid and o.request_key = k.business_id || ':' || k.caller || ':' || k.key
group by k.business_id, k.caller, k.key having count(o.id) <> 1;
