-- take_code: a code that was sent shows that the address is one's own. It is good once, for as long as it lives, and for five
-- attempts: whoever guesses gets no sixth. Where it confirms an address, a password is kept only if the code was sent to who chose
-- it: anybody may have signed up with the address before.
--   p_types   the kinds of codes that it may be
-- Answers: {user_id}, or {error: otp_expired}, whatever was wrong.
-- Locks:   the user.
-- Writes:  auth.one_time_tokens, auth.users.
create or replace function ticketing.take_code(p_email text, p_types text, p_digest text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_user_id uuid;
  v_token auth.one_time_tokens;
begin
  perform ticketing.demand_own_users();
  if p_types = 'email_change' then
    select t.user_id into v_user_id from auth.one_time_tokens t
      where t.token_type = 'email_change' and lower(t.relates_to) = lower(p_email)
      order by t.digest = decode(p_digest, 'hex') desc, t.created_at desc limit 1;
  else
    select u.id into v_user_id from auth.users u where lower(u.email) = lower(p_email);
  end if;
  perform from auth.users u where u.id = v_user_id for update;
  select t.* into v_token from auth.one_time_tokens t
    where t.user_id = v_user_id and t.token_type = any (string_to_array(p_types, ',')) and t.expires_at > clock_timestamp()
      and t.attempts < 5
    order by t.digest = decode(p_digest, 'hex') desc limit 1;
  if v_token.user_id is null then
    return '{"error": "otp_expired"}';
  elsif v_token.digest <> decode(p_digest, 'hex') then
    update auth.one_time_tokens t set attempts = t.attempts + 1
      where t.user_id = v_user_id and t.token_type = any (string_to_array(p_types, ','));
    return '{"error": "otp_expired"}';
  end if;
  delete from auth.one_time_tokens t where t.user_id = v_user_id and t.token_type = v_token.token_type;
  update auth.users u set email_confirmed_at = coalesce(u.email_confirmed_at, clock_timestamp()), updated_at = clock_timestamp(),
    encrypted_password = case when u.email_confirmed_at is not null or v_token.token_type = 'signup' then u.encrypted_password end,
    email = case when v_token.token_type = 'email_change' then v_token.relates_to else u.email end
    where u.id = v_user_id;
  return jsonb_build_object('user_id', v_user_id, 'type', v_token.token_type);
exception when unique_violation then
  return '{"error": "otp_expired"}';
end
$$;
