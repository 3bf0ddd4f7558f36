-- server_figures: what operating_figures says of the server: connections, waits, standbys and slots, of each at most twenty. Where
-- the owner of this function is no member of pg_monitor it sees less of other sessions.
create or replace function ticketing.server_figures(p_now timestamptz) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'connections', count(*), 'connections_max', current_setting('max_connections')::integer,
    'lock_waits', count(*) filter (where a.wait_event_type = 'Lock'),
    'transaction_seconds', ticketing.seconds_since(min(a.xact_start) filter (where a.pid <> pg_backend_pid()), p_now),
    'deadlocks', (select d.deadlocks from pg_stat_database d where d.datname = current_database()),
    'standbys', (select coalesce(jsonb_agg(to_jsonb(standby)), '[]') from (
      select r.application_name as name, max(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)) as bytes,
        coalesce(max(extract(epoch from r.replay_lag)), 0) as seconds
      from pg_stat_replication r where r.replay_lsn is not null and not pg_is_in_recovery()
        and not exists (select from pg_replication_slots s where s.active_pid = r.pid and s.slot_type = 'logical')
      group by r.application_name order by r.application_name limit 20) standby),
    'slots', (select coalesce(jsonb_agg(to_jsonb(slot)), '[]') from (
      select s.slot_name as name, s.active, pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) as bytes
      from pg_replication_slots s where s.restart_lsn is not null and not pg_is_in_recovery()
      order by s.slot_name limit 20) slot))
  from pg_stat_activity a where a.backend_type = 'client backend'
$$;
