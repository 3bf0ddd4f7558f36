-- pg_cron, where this database has it: what a server's timers do in SQL is done every minute without one too. Any number of both may
-- do it at once. Somebody else's job of one of our names stays, and so does all where pg_cron may not be used.
--
-- A transaction of its own, a while behind the one that installed: pg_cron is told of new jobs by an invalidation of cron.job, and
-- takes no notice where that is among more of them than it has read in time, which an installation is (citusdata/pg_cron#406). It
-- reads once a second. A job that did not run of late is announced anew.
do $schedule$
declare
  v_known text[];
  v_job record;
  v_has_waited boolean := false;
begin
  -- What the installation set for its own transaction is over.
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('lock_timeout', '5s', true);
  if not exists (select from pg_extension e where e.extname = 'pg_cron') then return; end if;
  if not coalesce(has_schema_privilege(to_regnamespace('cron'), 'usage'), false)
    or not coalesce(has_function_privilege(to_regprocedure('cron.schedule(text, text, text)'), 'execute'), false)
  then
    raise warning 'pg_cron is in this database, and % may not use it: nothing was scheduled', current_user;
    return;
  end if;
  v_known := array(select s.name from jsonb_to_recordset(ticketing.scheduled_jobs(clock_timestamp())) s(name text, seconds numeric)
    where s.seconds < 180);
  for v_job in
    select * from (values
      ('expire-ticket-holds', 'select ticketing.expire_ticket_holds(10000)'),
      ('cleanup-expired-holds', 'select ticketing.expire_orders(1000)'),
      ('continue-cancellations', 'select ticketing.continue_cancellations(500)')
    ) as j(name, command)
  loop
    if exists (select from cron.job j where j.jobname = v_job.name and j.command not like '%ticketing.%') then
      raise warning 'pg_cron has a job % that is not Admit Once''s: it stays as it is', v_job.name;
      continue;
    end if;
    continue when v_job.name = any (v_known) and exists (
      select from cron.job j where j.jobname = v_job.name and j.schedule = '* * * * *' and j.command = v_job.command);
    if not v_has_waited then
      perform pg_sleep(2);
      v_has_waited := true;
    end if;
    perform cron.schedule(v_job.name, '* * * * *', v_job.command);
  end loop;
end
$schedule$;
