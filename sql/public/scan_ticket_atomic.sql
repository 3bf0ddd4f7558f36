-- scan_ticket_atomic: the door to ticketing.scan_ticket_atomic, whose header says what it answers.
create or replace function public.scan_ticket_atomic(
  p_ticket_id uuid, p_scanned_by uuid, p_device_id text default null, p_scan_method text default 'qr'
) returns table (success boolean, already_scanned boolean, scanned_at timestamptz, scanned_by uuid, error_message text)
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.scan_ticket_atomic(p_ticket_id, p_scanned_by, p_device_id, p_scan_method);
end
$$;
