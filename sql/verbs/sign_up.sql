-- sign_up: makes a user of an e-mail address. Of two at once one makes it.
--   p_user   {email, password_hash, data, confirmed, app_data, only_new, pause_seconds}; without confirmed the address is still to be
--            shown as one's own; only_new: no user is made anew; pause_seconds: nor one whose last code was sent so short a time ago
-- Answers: {created, user}; where the address has one that was never confirmed, created is true with the new password, as if it
--          were the first time, and codes sent before are good no more: a code confirms no password but that it was sent for.
--          Else created is false and nothing is changed.
-- Locks:   the user.
-- Writes:  auth.users, auth.one_time_tokens.
create or replace function ticketing.sign_up(p_user jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_user auth.users;
  v_confirmed_at timestamptz := case when (p_user ->> 'confirmed')::boolean then clock_timestamp() end;
  v_before timestamptz := clock_timestamp() - make_interval(secs => coalesce((p_user ->> 'pause_seconds')::integer, 0));
begin
  perform ticketing.demand_own_users();
  insert into auth.users (email, encrypted_password, raw_user_meta_data, email_confirmed_at, raw_app_meta_data)
    values (p_user ->> 'email', p_user ->> 'password_hash', coalesce(p_user -> 'data', '{}'), v_confirmed_at,
      '{"provider": "email", "providers": ["email"]}'::jsonb || coalesce(p_user -> 'app_data', '{}'))
    on conflict (lower(email)) do update set encrypted_password = excluded.encrypted_password,
      raw_user_meta_data = excluded.raw_user_meta_data, email_confirmed_at = excluded.email_confirmed_at, updated_at = clock_timestamp()
      where users.email_confirmed_at is null and (p_user ->> 'only_new')::boolean is not true and users.updated_at <= v_before
        and not exists (select from auth.one_time_tokens t where t.user_id = users.id and t.created_at > v_before)
    returning * into v_user;
  update auth.one_time_tokens t set expires_at = clock_timestamp() where t.user_id = v_user.id;
  return jsonb_build_object('created', v_user.id is not null, 'user', ticketing.user_view(v_user.id));
end
$$;
