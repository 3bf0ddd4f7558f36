-- is_same_scan: whether a scan that was kept is the one that a device now sends again. Where both name their device it is the
-- same one: a device that counts instead of drawing gives numbers that others gave.
create or replace function ticketing.is_same_scan(p_kept public.scan_logs, p_scan_id text, p_device_id text) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return coalesce(p_kept.scan_id = p_scan_id, false) and coalesce(p_kept.device_id = p_device_id, true);
end
$$;

-- is_replay: whether a scan that admitted is asked for again because its answer was lost. For five minutes: an id that does not
-- change with each opening would let in everybody who shows the code.
create or replace function ticketing.is_replay(p_winner public.scan_logs, p_scan_id text, p_device_id text) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.is_same_scan(p_winner, p_scan_id, p_device_id)
    and p_winner.recorded_at > clock_timestamp() - interval '5 minutes';
end
$$;

-- kept_scan_id: a scan's id as it is kept. One that is too long counts as its digest: it tells a scan from another one all the same.
create or replace function ticketing.kept_scan_id(p_scan_id text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when length(p_scan_id) <= 255 then nullif(p_scan_id, '')
    else 'sha256:' || encode(sha256(convert_to(p_scan_id, 'UTF8')), 'hex') end
$$;
