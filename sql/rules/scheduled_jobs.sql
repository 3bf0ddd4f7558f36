-- scheduled_jobs: what pg_cron says of our jobs: how many of the latest 100 runs of all failed, and how long ago each last
-- succeeded; an empty list without pg_cron. The runs are read from the end: nobody may ever have deleted old ones.
create or replace function ticketing.scheduled_jobs(p_now timestamptz) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_jobs jsonb := '[]';
begin
  if to_regclass('cron.job_run_details') is not null
    and has_table_privilege('cron.job', 'select') and has_table_privilege('cron.job_run_details', 'select')
  then
    execute $cron$
      select coalesce(jsonb_agg(to_jsonb(job)), '[]') from (
        select j.jobname as name, count(*) filter (where d.status = 'failed') as failed,
          extract(epoch from $1 - max(d.end_time) filter (where d.status = 'succeeded')) as seconds
        from cron.job j left join (select * from cron.job_run_details order by runid desc limit 100) d on d.jobid = j.jobid
        where j.jobname in ('expire-ticket-holds', 'cleanup-expired-holds', 'continue-cancellations') and j.database = current_database()
        group by j.jobname order by j.jobname) job
    $cron$ into v_jobs using p_now;
  end if;
  return v_jobs;
end
$$;
