-- refresh_sign_in: prolongs a session by a token that is good once, and gives it the next one. The next one follows from the token,
-- so that a client that lost the answer, or two tabs at once, get the same.
--   p_reuse_seconds  how long a token that was used still gives its successor
-- Answers: {session_id, method, user}, or {error}: refresh_token_not_found; refresh_token_already_used, which ends the session, as
--          somebody else may have it; user_banned.
-- Locks:   the session.
-- Writes:  auth.refresh_tokens, auth.sessions.
create or replace function ticketing.refresh_sign_in(p_digest text, p_next_digest text, p_reuse_seconds integer default 10)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_digest bytea := decode(p_digest, 'hex');
  v_next bytea := decode(p_next_digest, 'hex');
  v_session auth.sessions;
  v_token auth.refresh_tokens;
begin
  perform ticketing.demand_own_users();
  select s.* into v_session from auth.sessions s
    where s.id = (select t.session_id from auth.refresh_tokens t where t.digest = v_digest) for update;
  select t.* into v_token from auth.refresh_tokens t where t.digest = v_digest;
  if v_session.id is null or v_token.digest is null then
    return '{"error": "refresh_token_not_found"}';
  elsif exists (select from auth.users u where u.id = v_session.user_id and u.banned_until > clock_timestamp()) then
    return '{"error": "user_banned"}';
  elsif v_token.revoked_at is null then
    update auth.refresh_tokens t set revoked_at = clock_timestamp() where t.digest = v_digest;
    insert into auth.refresh_tokens (digest, session_id, parent) values (v_next, v_session.id, v_digest);
    update auth.sessions s set refreshed_at = clock_timestamp() where s.id = v_session.id;
  elsif v_token.revoked_at < clock_timestamp() - make_interval(secs => p_reuse_seconds)
      or not exists (select from auth.refresh_tokens t where t.digest = v_next and t.revoked_at is null) then
    delete from auth.sessions s where s.id = v_session.id;
    return '{"error": "refresh_token_already_used"}';
  end if;
  return jsonb_build_object('session_id', v_session.id, 'method', v_session.method, 'user', ticketing.user_view(v_session.user_id));
end
$$;
