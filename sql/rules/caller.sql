-- caller: who is calling. Inside a definer function current_user is the owner; the caller's role is the setting.
--   is_trusted  the service role, or a database login that may act as it (psql, pgbench, the migration's owner)
--   user_id     the signed-in user, null for anon and for trusted callers
create or replace function ticketing.caller(out is_trusted boolean, out user_id uuid)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_role text := current_setting('role');
begin
  if v_role = 'none' then
    v_role := session_user;
  end if;
  is_trusted := ticketing.is_trusted(v_role);
  user_id := auth.uid();
end
$$;

-- is_trusted: whether a caller in this role is trusted; raises where there is no such role.
create or replace function ticketing.is_trusted(p_role text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return pg_has_role(p_role, 'service_role', 'member');
end
$$;
