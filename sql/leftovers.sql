-- What an older installation had and this one has not: every function of the vault that no statement above has made anew, told by
-- the transaction that wrote it. Something of the operator's own that rests on one is not taken along: the drop refuses, and so
-- does the installation.
do $leftovers$
declare
  v_function regprocedure;
begin
  drop function ticketing.begin_migration;
  for v_function in
    select p.oid from pg_proc p where p.pronamespace = 'ticketing'::regnamespace and age(p.xmin) > 0
  loop
    execute format('drop function %s', v_function);
  end loop;
end
$leftovers$;
