-- has_own_users: whether auth.users is ours, or Supabase's own.
create or replace function ticketing.has_own_users() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select obj_description(to_regclass('auth.users'), 'pg_class') is not distinct from 'Admit Once'
$$;
