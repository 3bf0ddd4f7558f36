-- give_back_tickets: tickets that waited for money that did not go are the buyer's again. One that was scanned stays used; one
-- that a gate without network let in meanwhile, and was refused when it told so, is used too. Of all these scans the first counts.
-- Locks:  none; the caller has the tickets' rows.
-- Writes: tickets, scan_logs.
create or replace function ticketing.give_back_tickets(p_ticket_ids uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_id uuid;
begin
  for v_id in
    select t.id from unnest(p_ticket_ids) k(id) join public.tickets t on t.id = k.id and t.status = 'refunding'
  loop
    perform ticketing.count_first_opening(v_id);
  end loop;
end
$$;
