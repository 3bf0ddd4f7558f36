-- signed_in_user: who has this session: {user, password_hash}, or {error}: user_not_found, user_banned, session_not_found. A
-- token that names no session is believed for as long as it lives.
create or replace function ticketing.signed_in_user(p_user_id uuid, p_session_id uuid default null) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_user jsonb;
begin
  perform ticketing.demand_own_users();
  v_user := ticketing.user_view(p_user_id);
  if v_user is null then
    return '{"error": "user_not_found"}';
  elsif exists (select from auth.users u where u.id = p_user_id and u.banned_until > clock_timestamp()) then
    return '{"error": "user_banned"}';
  elsif p_session_id is not null
      and not exists (select from auth.sessions s where s.id = p_session_id and s.user_id = p_user_id) then
    return '{"error": "session_not_found"}';
  end if;
  return jsonb_build_object('user', v_user,
    'password_hash', (select u.encrypted_password from auth.users u where u.id = p_user_id));
end
$$;
