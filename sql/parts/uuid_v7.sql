-- uuid_v7: time-ordered ids, so that the big tables' primary keys grow at one end. PostgreSQL 18 has its own.
create or replace function ticketing.uuid_v7() returns uuid
language plpgsql volatile parallel safe set search_path = pg_catalog, pg_temp as $$
begin
  return encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid;
end
$$;

-- Every id of ours has the default, once; later runs find nothing to do and lock nothing.
do $$
declare
  v_table regclass;
begin
  for v_table in
    select a.attrelid from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
      and c.relname in (select name from ticketing.tables) and a.attname = 'id'
      and a.atttypid = 'uuid'::regtype and not a.atthasdef
  loop
    execute format('alter table %s alter column id set default %s', v_table,
      case when current_setting('server_version_num')::integer >= 180000 then 'pg_catalog.uuidv7()' else 'ticketing.uuid_v7()' end);
  end loop;
end
$$;
