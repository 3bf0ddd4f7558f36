-- holds_hold: a hold that ended before its time, a session that holds one tier twice, a hold that points to another
-- event's tier, or an order that was told a later end than its holds have.
drop view if exists ticketing.law_holds_hold;
create view ticketing.law_holds_hold with (security_invoker = true) as
select h.id as hold_id, h.tier_id, h.session_id, 'expired before its end' as broken
from public.ticket_holds h where h.status = 'expired' and (h.ended_at < h.expires_at or h.expires_at > clock_timestamp())
union all
select min(h.id::text)::uuid, h.tier_id, h.session_id, 'held twice by one session'
from public.ticket_holds h where h.status = 'active' group by h.tier_id, h.session_id having count(*) > 1
union all
select h.id, h.tier_id, h.session_id, 'tier of another event'
from public.ticket_holds h left join public.ticket_tiers t on t.id = h.tier_id and t.event_id = h.event_id where t.id is null
union all
select h.id, h.tier_id, h.session_id, 'ends before its order was told'
from public.ticket_holds h join public.orders o on o.id = h.order_id
where o.status = 'pending' and h.status = 'active' and h.expires_at < o.expires_at;
