-- lock_session: the tiers of which a session that the caller owns holds some, locked. Nobody ends those holds now but this
-- transaction.
--   refusal  INVALID_REQUEST, FORBIDDEN or null
create or replace function ticketing.lock_session(p_session_id text, out refusal text, out tier_ids uuid[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record := ticketing.caller();
begin
  if p_session_id is null or length(p_session_id) not between 1 and 200 then
    refusal := 'INVALID_REQUEST';
    return;
  end if;
  tier_ids := array(
    select h.tier_id from public.ticket_holds h where h.session_id = p_session_id and h.status = 'active');
  perform ticketing.lock_tiers(tier_ids);
  -- Asked under the lock: a guest's hold becomes a user's under it.
  if not v_caller.is_trusted and exists (
      select from public.ticket_holds h where h.session_id = p_session_id and h.status = 'active'
        and h.user_id <> coalesce(v_caller.user_id, '00000000-0000-0000-0000-000000000000')) then
    refusal := 'FORBIDDEN';
  end if;
end
$$;
