-- party_admitted_once: the party of a claim or a booking that was let in twice, or was let in and could be again.
create or replace view ticketing.law_party_admitted_once with (security_invoker = true) as
select 'claim' as kind, c.id, c.status, count(*) as admitted, array_agg(s.scanned_by) as admitted_by
from public.offer_claims c join public.scan_logs s on s.claim_id = c.id and s.scan_success
group by c.id having count(*) > 1 or c.status <> 'redeemed'
union all
select 'booking', r.id, r.status, count(*), array_agg(s.scanned_by)
from public.reservations r join public.scan_logs s on s.reservation_id = r.id and s.scan_success
group by r.id having count(*) > 1 or r.status <> 'checked_in';
