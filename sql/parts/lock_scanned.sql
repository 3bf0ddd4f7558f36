-- lock_scanned: a ticket, its row locked, for what is decided about its scans.
create or replace function ticketing.lock_scanned(p_ticket_id uuid) returns public.tickets
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_ticket public.tickets;
begin
  perform ticketing.limit_wait();
  select * into v_ticket from public.tickets t where t.id = p_ticket_id for no key update;
  return v_ticket;
end
$$;
