-- admitted_once: a ticket that opened the gate twice, or whose status and scans disagree about whether it did.
create or replace view ticketing.law_admitted_once with (security_invoker = true) as
select t.id as ticket_id, t.event_id, t.status, t.checked_in_at, coalesce(scans.admitted, 0) as admitted, scans.admitted_by
from public.tickets t
left join (select s.ticket_id, count(*) as admitted, array_agg(s.scanned_by) as admitted_by from public.scan_logs s
           where s.scan_success group by s.ticket_id) scans on scans.ticket_id = t.id
where scans.admitted > 1 or t.status = 'valid' and scans.admitted = 1 or t.status = 'used' and scans.admitted is null;
