-- refuse_truncate: TRUNCATE fires no row or counting trigger, so it is refused on every table that is counted or counts.
create or replace function ticketing.refuse_truncate() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '% is never truncated: what was sold would be forgotten and the counters would lie', tg_table_name
    using errcode = '42501', hint = 'Delete the rows instead; the counters follow.';
end
$$;

do $$
declare
  v_table regclass;
begin
  for v_table in
    select c.oid from pg_class c
    where c.relkind = 'r' and (c.relnamespace = 'public'::regnamespace and c.relname in (select name from ticketing.tables)
      or c.relnamespace = 'ticketing'::regnamespace and c.relname in ('slot_days', 'ledger_entries', 'payments'))
  loop
    execute format('create or replace trigger trg_refuse_truncate before truncate on %s
      for each statement execute function ticketing.refuse_truncate()', v_table);
  end loop;
end
$$;
