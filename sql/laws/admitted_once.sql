-- admitted_once: a ticket that opened the gate twice, or whose status and scans disagree about whether and when it did; one that
-- a gate without network let in and that could still be let in.
drop view if exists ticketing.law_admitted_once;
create view ticketing.law_admitted_once with (security_invoker = true) as
select t.id as ticket_id, t.event_id, t.status, t.checked_in_at, coalesce(scans.admitted, 0) as admitted, scans.admitted_by
from public.tickets t
left join (
  select s.ticket_id, count(*) filter (where s.scan_success) as admitted,
    array_agg(s.scanned_by) filter (where s.scan_success) as admitted_by,
    min(s.scanned_at) filter (where s.scan_success) as admitted_at
  from public.scan_logs s where s.scan_success or s.offline or s.error_code = 'SUPERSEDED'
  group by s.ticket_id) scans on scans.ticket_id = t.id
where scans.admitted > 1 or t.status = 'valid' and scans.ticket_id is not null
  or t.status = 'used' and (coalesce(scans.admitted, 0) = 0 or t.checked_in_at is distinct from scans.admitted_at);
