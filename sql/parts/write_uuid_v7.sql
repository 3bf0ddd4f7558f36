-- write_uuid_v7: makes ticketing.uuid_v7() anew, with settings.cell in it as a constant: to read a row for every id would cost as
-- much as four ids, and a parameter (GUC) would be anybody's to set and be left behind by a dump.
create or replace function ticketing.write_uuid_v7() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $write$
begin
  -- uuid_v7: time-ordered ids, so that the big tables' primary keys grow at one end: milliseconds (48 bits), version, cell
  -- (12 bits, three hexadecimal digits of their own), variant, 4,096ths of a millisecond, 48 random bits. Whoever must not be
  -- able to guess an id needs more than those (session_id).
  -- SQL, not pinned to a search_path, and every name with its schema: so it is inlined where it is called, in column defaults too.
  execute format($function$
    create or replace function ticketing.uuid_v7() returns uuid
    language sql volatile parallel safe as $$ select %s::pg_catalog.uuid $$
    $function$, format(
    case when current_setting('server_version_num')::integer >= 180000
      -- PostgreSQL's own, ascending within a session; its 4,096ths make room for the cell.
      then $$pg_catalog.overlay(pg_catalog.overlay(pg_catalog.uuidv7()::pg_catalog.text, '%s-8', 16, 0), '', 24, 5)$$
      else $$pg_catalog.overlay(pg_catalog.gen_random_uuid()::pg_catalog.text, pg_catalog.overlay(pg_catalog.overlay(
        pg_catalog.lpad(pg_catalog.to_hex(pg_catalog.int8(pg_catalog.float8mul(
          pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()), 4096000))), 15, '0'),
        '-', 9, 0), '-7%s-8', 14, 0), 1, 23)$$ end,
    (select lpad(to_hex(s.cell), 3, '0') from ticketing.settings s)));
end
$write$;
do $$ begin perform ticketing.write_uuid_v7(); end $$;

-- Every id of ours has the default, once; later runs find nothing to do and lock nothing.
do $$
declare
  v_table regclass;
begin
  for v_table in
    select a.attrelid from pg_attribute a
    join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relkind = 'r' and c.relpersistence = 'p' and a.attname = 'id' and a.atttypid = 'uuid'::regtype
      and (n.nspname = 'ticketing' or n.nspname = 'public' and c.relname in (select name from ticketing.tables))
      and pg_get_expr(d.adbin, d.adrelid) is distinct from 'ticketing.uuid_v7()'
  loop
    execute format('alter table %s alter column id set default ticketing.uuid_v7()', v_table);
  end loop;
end
$$;
