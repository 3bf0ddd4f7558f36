-- pg_cron, where this database has it: what a server's timers do in SQL is done every minute without one too. Any number of both may
-- do it at once. A job of ours is made anew (cron.schedule); somebody else's of that name stays, and so does all where pg_cron may not
-- be used.
do $schedule$
declare
  v_job record;
begin
  if not exists (select from pg_extension e where e.extname = 'pg_cron') then return; end if;
  if not coalesce(has_schema_privilege(to_regnamespace('cron'), 'usage'), false)
    or not coalesce(has_function_privilege(to_regprocedure('cron.schedule(text, text, text)'), 'execute'), false)
  then
    raise warning 'pg_cron is in this database, and % may not use it: nothing was scheduled', current_user;
    return;
  end if;
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
    perform cron.schedule(v_job.name, '* * * * *', v_job.command);
  end loop;
end
$schedule$;
