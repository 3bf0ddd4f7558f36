-- end_sign_ins: signs a user out: of this session (local), of all others, or of all (global). Answers how many sessions ended.
-- Writes:  auth.sessions, and with them their refresh tokens.
create or replace function ticketing.end_sign_ins(p_user_id uuid, p_session_id uuid, p_scope text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_count integer;
begin
  perform ticketing.demand_own_users();
  delete from auth.sessions s where s.user_id = p_user_id and case p_scope
    when 'local' then s.id = p_session_id when 'others' then s.id is distinct from p_session_id else true end;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
