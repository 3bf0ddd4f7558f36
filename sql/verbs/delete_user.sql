-- delete_user: a user with sessions and codes. Orders and tickets stay: they name who bought them. Answers whether there was one.
-- Writes:  auth.users and what hangs on it.
create or replace function ticketing.delete_user(p_user_id uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  perform ticketing.demand_own_users();
  delete from auth.users u where u.id = p_user_id;
  return found;
end
$$;
