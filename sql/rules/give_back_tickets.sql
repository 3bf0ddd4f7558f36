-- give_back_tickets: tickets that waited for money that did not go are the buyer's again. One that was scanned stays used; one
-- that a gate without network let in meanwhile, and was refused when it told so, is used too. Of all these scans the first counts.
create or replace function ticketing.give_back_tickets(p_ticket_ids uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_id uuid;
  v_scan public.scan_logs;
begin
  for v_id in
    select t.id from unnest(p_ticket_ids) k(id) join public.tickets t on t.id = k.id and t.status = 'refunding'
  loop
    select * into v_scan from public.scan_logs s where s.ticket_id = v_id and (s.offline or s.scan_success)
      order by ticketing.is_only_claimed(s), s.scanned_at, s.scan_success desc, s.recorded_at, s.claimed_at limit 1;
    update public.scan_logs s set scan_success = false, error_code = 'SUPERSEDED'
      where s.ticket_id = v_id and s.scan_success and s.id <> v_scan.id;
    update public.scan_logs s set scan_success = true, error_code = null where s.id = v_scan.id and not s.scan_success;
    update public.tickets t set status = case when v_scan.id is null then 'valid' else 'used' end,
        checked_in_at = v_scan.scanned_at, checked_in_by = v_scan.scanned_by
      where t.id = v_id;
  end loop;
end
$$;
