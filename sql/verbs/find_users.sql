-- find_users: the users, the newest first, {users, total}; one of them where p_user_id is given.
create or replace function ticketing.find_users(p_limit integer default 50, p_offset integer default 0, p_user_id uuid default null)
returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  perform ticketing.demand_own_users();
  return jsonb_build_object(
    'total', (select count(*) from auth.users u where p_user_id is null or u.id = p_user_id),
    'users', (select coalesce(jsonb_agg(ticketing.user_view(p.id) order by p.created_at desc, p.id), '[]') from (
      select u.id, u.created_at from auth.users u where p_user_id is null or u.id = p_user_id
      order by u.created_at desc, u.id limit p_limit offset p_offset) p));
end
$$;
