-- never_oversold: a tier whose living tickets and active holds, counted row by row, are more than its total.
drop view if exists ticketing.law_never_oversold;
create view ticketing.law_never_oversold with (security_invoker = true) as
select t.id as tier_id, t.event_id, t.total_quantity, coalesce(sold.quantity, 0) as sold, coalesce(held.quantity, 0) as held,
       coalesce(sold.quantity, 0) + coalesce(held.quantity, 0) - t.total_quantity as too_many
from public.ticket_tiers t
left join (select k.tier_id, count(*) as quantity from public.tickets k
           where k.status in ('valid', 'used', 'refunding', 'void') group by k.tier_id) sold on sold.tier_id = t.id
left join (select h.tier_id, sum(h.quantity) as quantity from public.ticket_holds h
           where h.status = 'active' group by h.tier_id) held on held.tier_id = t.id
where coalesce(sold.quantity, 0) + coalesce(held.quantity, 0) > t.total_quantity;
