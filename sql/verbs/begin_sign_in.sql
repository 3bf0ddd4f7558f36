-- begin_sign_in: a session of a user, and the first token that prolongs it. The caller has checked who it is.
--   p_password_hash  what the password was checked against: if it was changed meanwhile, the old one opens nothing any more
-- Answers: {session_id, user}, or {error}: user_not_found, user_banned, invalid_credentials.
-- Locks:   the user.
-- Writes:  auth.sessions, auth.refresh_tokens, auth.users.
create or replace function ticketing.begin_sign_in(p_user_id uuid, p_method text, p_digest text, p_user_agent text default null,
  p_password_hash text default null)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_user auth.users;
  v_session_id uuid;
begin
  perform ticketing.demand_own_users();
  update auth.users u set last_sign_in_at = clock_timestamp() where u.id = p_user_id
      and (u.banned_until > clock_timestamp()) is not true
      and (p_password_hash is null or u.encrypted_password = p_password_hash);
  if not found then
    select u.* into v_user from auth.users u where u.id = p_user_id;
    return jsonb_build_object('error', case when v_user.id is null then 'user_not_found'
      when v_user.banned_until > clock_timestamp() then 'user_banned' else 'invalid_credentials' end);
  end if;
  insert into auth.sessions (user_id, method, user_agent) values (p_user_id, p_method, left(p_user_agent, 300))
    returning id into v_session_id;
  insert into auth.refresh_tokens (digest, session_id) values (decode(p_digest, 'hex'), v_session_id);
  return jsonb_build_object('session_id', v_session_id, 'user', ticketing.user_view(p_user_id));
end
$$;
