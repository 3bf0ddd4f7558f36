-- is_claimed: whether a time is one that a gate's clock may have claimed without having been there.
create or replace function ticketing.is_claimed(p_claimed_at timestamptz, p_created_at timestamptz) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return p_claimed_at < p_created_at
    or p_claimed_at < clock_timestamp() - (select s.offline_scan_age from ticketing.settings s);
end
$$;

create or replace function ticketing.is_only_claimed(p_scan public.scan_logs) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return p_scan.clock_suspect and coalesce(p_scan.claimed_at <= p_scan.scanned_at, false);
end
$$;
