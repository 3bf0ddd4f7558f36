-- revoke_code_key: what a key signed admits no more, from the commit on. For a key that was stolen: register another one
-- first, so that there are codes which admit.
-- Answers: NOT_FOUND; {success: true, kid, revoked_at}, also when it was revoked before.
-- Writes:  code_keys.
create or replace function ticketing.revoke_code_key(p_kid integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_revoked_at timestamptz;
begin
  update ticketing.code_keys c set revoked_at = coalesce(c.revoked_at, clock_timestamp()) where c.kid = p_kid
    returning c.revoked_at into v_revoked_at;
  if v_revoked_at is null then
    return ticketing.refused('NOT_FOUND', 'There is no such key.');
  end if;
  return jsonb_build_object('success', true, 'kid', p_kid, 'revoked_at', v_revoked_at);
end
$$;
