-- write_code: a code that is sent to an address, good once, in place of the last one.
--   p_code   {email, type, digest, seconds, pause_seconds, create, data, relates_to}; type is signup, email, recovery or email_change;
--            create makes a user who is still to be confirmed where nobody has the address; relates_to is the address that it is
--            sent to where that is another
-- Answers: {sent: true, user_id}; {sent: false} where nobody has the address, or it needs no such code; {error:
--          over_email_send_rate_limit, wait_seconds}. All look the same to a stranger but the last.
-- Writes:  auth.users, auth.one_time_tokens.
create or replace function ticketing.write_code(p_code jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_type text := p_code ->> 'type';
  v_now timestamptz := clock_timestamp();
  v_user auth.users;
  v_wait integer;
begin
  perform ticketing.demand_own_users();
  if (p_code ->> 'create')::boolean then
    insert into auth.users (email, raw_user_meta_data) values (p_code ->> 'email', coalesce(p_code -> 'data', '{}'))
      on conflict do nothing;
  end if;
  select u.* into v_user from auth.users u where lower(u.email) = lower(p_code ->> 'email') for update;
  if not found or v_type = 'signup' and v_user.email_confirmed_at is not null then
    return '{"sent": false}';
  end if;
  select ceil(extract(epoch from t.created_at - v_now) + (p_code ->> 'pause_seconds')::integer)::integer into v_wait
    from auth.one_time_tokens t where t.user_id = v_user.id order by t.created_at desc limit 1;
  if v_wait > 0 then
    return jsonb_build_object('error', 'over_email_send_rate_limit', 'wait_seconds', v_wait);
  end if;
  insert into auth.one_time_tokens (user_id, token_type, digest, relates_to, expires_at, created_at)
    values (v_user.id, v_type, decode(p_code ->> 'digest', 'hex'), coalesce(p_code ->> 'relates_to', v_user.email),
      v_now + make_interval(secs => (p_code ->> 'seconds')::integer), v_now)
    on conflict (user_id, token_type) do update set digest = excluded.digest, relates_to = excluded.relates_to, attempts = 0,
      expires_at = excluded.expires_at, created_at = excluded.created_at;
  update auth.users u set
    confirmation_sent_at = case when v_type = 'signup' then v_now else u.confirmation_sent_at end,
    recovery_sent_at = case when v_type in ('recovery', 'email') then v_now else u.recovery_sent_at end
    where u.id = v_user.id;
  return jsonb_build_object('sent', true, 'user_id', v_user.id);
end
$$;
