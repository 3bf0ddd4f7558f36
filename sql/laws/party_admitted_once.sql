-- party_admitted_once: the party of a claim or a booking that was let in twice, or was let in and could be again, or that was
-- let in by no scan, or at another time than its scan's; and a scan of one that was undone and counts all the same, or stopped
-- counting with nobody having undone it.
drop view if exists ticketing.law_party_admitted_once;
create view ticketing.law_party_admitted_once with (security_invoker = true) as
select 'claim' as kind, c.id, c.status, count(s.id) as admitted, array_agg(s.scanned_by) as admitted_by
from public.offer_claims c left join public.scan_logs s on s.claim_id = c.id and s.scan_success
group by c.id having count(s.id) > 1 or (count(s.id) > 0) <> (c.status = 'redeemed')
  or c.redeemed_at is distinct from min(s.scanned_at)
union all
select 'booking', r.id, r.status, count(s.id), array_agg(s.scanned_by)
from public.reservations r left join public.scan_logs s on s.reservation_id = r.id and s.scan_success
group by r.id having count(s.id) > 1 or (count(s.id) > 0) <> (r.status = 'checked_in')
  or r.checked_in_at is distinct from min(s.scanned_at)
union all
select 'undone scan', s.id, s.error_code, s.scan_success::integer, array[s.scanned_by]
from public.scan_logs s left join public.scan_logs u on u.undoes = s.id and u.error_code = 'UNDO' and not u.scan_success
  and u.claim_id is not distinct from s.claim_id and u.reservation_id is not distinct from s.reservation_id
where s.ticket_id is null and (u.id is null) = (s.error_code is not distinct from 'UNDONE');
