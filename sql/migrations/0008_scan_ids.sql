-- Scans that are told more than once, and by whom.

do $migration$ begin
if not ticketing.begin_migration('0008_scan_ids') then return; end if;

-- Made anew with other parameters or answers.
drop function if exists ticketing.admit_ticket(uuid, uuid, text, text, boolean);
drop function if exists ticketing.redeem_claim(uuid, uuid, text);
drop function if exists ticketing.check_in_booking(uuid, uuid, text);
drop function if exists ticketing.log_unknown_code(uuid, text, uuid, text);
drop function if exists ticketing.admit_offline(uuid, uuid, timestamptz, text, uuid);
drop function if exists ticketing.write_offline_scan(public.tickets, uuid, text, timestamptz, uuid, text, timestamptz);
drop function if exists ticketing.believed(timestamptz, timestamptz);
drop function if exists ticketing.lock_scanned(uuid);
drop function if exists ticketing.read_scans(jsonb);
drop function if exists ticketing.offline_result(uuid, record);
drop function if exists ticketing.scan_refusal(uuid, uuid);

alter table public.scan_logs
  -- Drawn by the device for each opening: it tells a scan that is sent again from another one.
  add column scan_id text check (length(scan_id) between 1 and 255),
  -- Who handed in an offline scan; scanned_by may be a colleague whose shift is over.
  add column synced_by uuid;

-- What is nothing of ours is one row too, however often one scan of it is told.
create unique index uniq_unknown_scan on public.scan_logs
    (presented_hash, presented_id, business_id, scan_id, claimed_at, device_id, scanned_by) nulls not distinct
  where (presented_hash is not null or presented_id is not null) and (offline or scan_id is not null);

end $migration$;
