-- sync_offline_scan: the door to ticketing.sync_offline_scan, whose header says what it answers.
create or replace function public.sync_offline_scan(
  p_ticket_id uuid, p_scanned_by uuid, p_scanned_at timestamptz, p_device_id text default null
) returns table (success boolean, conflict_resolved boolean, already_scanned boolean, scanned_at timestamptz,
  scanned_by uuid, error_message text)
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.sync_offline_scan(p_ticket_id, p_scanned_by, p_scanned_at, p_device_id);
end
$$;
