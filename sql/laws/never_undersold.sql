-- never_undersold: a tier whose counters disagree with its rows: too high hides tickets that could be sold, too low
-- blinds the protections that read them. An active hold counts, also past its end: it gives way before "sold out" is said.
drop view if exists ticketing.law_never_undersold;
create view ticketing.law_never_undersold with (security_invoker = true) as
select t.id as tier_id, t.event_id, t.sold_quantity, coalesce(sold.quantity, 0) as sold,
       t.reserved_quantity, coalesce(held.quantity, 0) as held,
       t.sold_quantity + t.reserved_quantity - coalesce(sold.quantity, 0) - coalesce(held.quantity, 0) as hidden
from public.ticket_tiers t
left join (select k.tier_id, count(*) as quantity from public.tickets k
           where k.status in ('valid', 'used', 'refunding', 'void') group by k.tier_id) sold on sold.tier_id = t.id
left join (select h.tier_id, sum(h.quantity) as quantity from public.ticket_holds h
           where h.status = 'active' group by h.tier_id) held on held.tier_id = t.id
where t.sold_quantity <> coalesce(sold.quantity, 0) or t.reserved_quantity <> coalesce(held.quantity, 0);
