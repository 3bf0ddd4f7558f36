-- forget_leftovers: deletes what nobody can use any more: messages to subscribers after three days, codes a day after they ended,
-- sessions that nobody prolonged for a year, refresh tokens thirty days after they were used.
-- Where Supabase has those tables it keeps them.
--   p_limit   rows of each kind at most
-- Answers: how many rows went.
-- Writes:  realtime.messages, auth.one_time_tokens, auth.sessions, auth.refresh_tokens.
create or replace function ticketing.forget_leftovers(p_limit integer default 1000) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_messages integer := 0;
  v_codes integer := 0;
  v_sessions integer := 0;
  v_tokens integer := 0;
begin
  if obj_description(to_regclass('realtime.messages'), 'pg_class') = 'Admit Once' then
    delete from realtime.messages m where m.id in (
      select o.id from realtime.messages o where o.inserted_at < clock_timestamp() - interval '3 days'
      order by o.inserted_at limit p_limit for update skip locked);
    get diagnostics v_messages = row_count;
  end if;
  if ticketing.has_own_users() then
    delete from auth.one_time_tokens t where (t.user_id, t.token_type) in (
      select o.user_id, o.token_type from auth.one_time_tokens o where o.expires_at < clock_timestamp() - interval '1 day'
      limit p_limit for update skip locked);
    get diagnostics v_codes = row_count;
    delete from auth.sessions s where s.id in (
      select o.id from auth.sessions o where coalesce(o.refreshed_at, o.created_at) < clock_timestamp() - interval '1 year'
      limit p_limit for update skip locked);
    get diagnostics v_sessions = row_count;
    -- Until then a token that is shown twice ends its session.
    delete from auth.refresh_tokens t where t.digest in (
      select o.digest from auth.refresh_tokens o where o.revoked_at < clock_timestamp() - interval '30 days'
      limit p_limit for update skip locked);
    get diagnostics v_tokens = row_count;
  end if;
  return v_messages + v_codes + v_sessions + v_tokens;
end
$$;
