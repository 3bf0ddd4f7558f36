-- admitted_once: a ticket that opened the gate twice, or whose status and scans disagree about whether and when it did; one that
-- a gate without network let in and that could still be let in; one that another event's gate let in; one whose scan was undone
-- and counts all the same, or stopped counting with nobody having undone it. Who undid a scan wrote a row of its own, which tells
-- which scan of this ticket opened nothing; what a gate at another event let in leaves the ticket good.
drop view if exists ticketing.law_admitted_once;
create view ticketing.law_admitted_once with (security_invoker = true) as
select t.id as ticket_id, t.event_id, t.status, t.checked_in_at, coalesce(scans.admitted, 0) as admitted, scans.admitted_by
from public.tickets t
left join (
  select s.ticket_id, count(*) filter (where s.scan_success) as admitted,
    array_agg(s.scanned_by) filter (where s.scan_success) as admitted_by,
    min(s.scanned_at) filter (where s.scan_success) as admitted_at,
    count(*) filter (where (s.scan_success or s.offline or s.error_code = 'SUPERSEDED')
      and u.id is null and coalesce(s.gate_event_id, s.event_id) = s.event_id) as entered,
    bool_or(s.scan_success and (u.id is not null or s.gate_event_id <> s.event_id)
      or (u.id is null) = (s.error_code is not distinct from 'UNDONE')) as is_torn
  from public.scan_logs s left join public.scan_logs u
    on u.undoes = s.id and u.ticket_id = s.ticket_id and u.error_code = 'UNDO' and not u.scan_success
  where s.scan_success or s.offline or s.error_code in ('SUPERSEDED', 'UNDONE') or u.id is not null
  group by s.ticket_id) scans on scans.ticket_id = t.id
where scans.admitted > 1 or t.status = 'valid' and scans.entered > 0 or scans.is_torn
  or t.status = 'used' and (coalesce(scans.admitted, 0) = 0 or t.checked_in_at is distinct from scans.admitted_at);
