-- change_user: what is given is changed. Another password ends the user's other sessions, all of them where none is kept.
--   p_changes   {password_hash, data, app_data, email, confirmed, banned_until}; data are put over those that there are, a null
--               takes a key away, and together they stay small enough for a token in a header
-- Answers: {user}, or {error}: user_not_found, email_exists, validation_failed.
-- Writes:  auth.users, auth.sessions.
create or replace function ticketing.change_user(p_user_id uuid, p_changes jsonb, p_kept_session_id uuid default null) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  perform ticketing.demand_own_users();
  update auth.users u set
    encrypted_password = coalesce(p_changes ->> 'password_hash', u.encrypted_password),
    raw_user_meta_data = ticketing.merged_data(u.raw_user_meta_data, p_changes -> 'data'),
    raw_app_meta_data = ticketing.merged_data(u.raw_app_meta_data, p_changes -> 'app_data'),
    email = coalesce(p_changes ->> 'email', u.email),
    email_confirmed_at = case when (p_changes ->> 'confirmed')::boolean
      then coalesce(u.email_confirmed_at, clock_timestamp()) else u.email_confirmed_at end,
    banned_until = case when p_changes ? 'banned_until' then (p_changes ->> 'banned_until')::timestamptz else u.banned_until end,
    updated_at = clock_timestamp()
    where u.id = p_user_id;
  if not found then
    return '{"error": "user_not_found"}';
  end if;
  if p_changes ? 'password_hash' then
    delete from auth.sessions s where s.user_id = p_user_id and s.id is distinct from p_kept_session_id;
  end if;
  return jsonb_build_object('user', ticketing.user_view(p_user_id));
exception when program_limit_exceeded then
  return '{"error": "validation_failed"}';
when unique_violation then
  return '{"error": "email_exists"}';
end
$$;
