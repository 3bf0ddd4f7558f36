-- due_sessions: at most p_limit sessions to look at now, leased to the caller: nobody else gets them before their next turn,
-- so any number of servers may ask at once. Those whose buyer's time is over come first. p_livemode: the caller's provider's;
-- another one's are not its own.
-- Answers: [{order_id, attempt, action, key, parameters, session_id}]
--   create  the call's outcome is not known: send it again, to the letter
--   expire  the buyer's time is over: expire it, then settle_session with what the provider says
--   ask     nothing was heard: retrieve it, then settle_session; once, and again only when the buyer's time is over
-- Given up: a create that is nearly 24 hours old, as the provider forgets keys then; and a session of which it knows nothing
-- a day after it surely ended.
-- Writes: checkout_sessions.
create or replace function ticketing.due_sessions(p_limit integer default 20, p_livemode boolean default false) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan'
  set enable_seqscan = off set enable_hashjoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_due jsonb;
begin
  update ticketing.checkout_sessions s set status = 'expired', ask_at = null, last_error = 'never answered'
    where s.ask_at <= v_now and (s.status = 'creating' and s.created_at < v_now - interval '23 hours'
      or s.status in ('creating', 'open') and s.expires_at < v_now - interval '24 hours');
  with due as (
    select s.order_id, s.attempt, o.expires_at, o.expires_at <= v_now or o.status <> 'pending' as is_over
    from ticketing.checkout_sessions s join public.orders o on o.id = s.order_id
    where s.ask_at <= v_now and s.livemode = p_livemode
    order by is_over desc, s.ask_at limit p_limit for update of s skip locked),
  leased as (
    update ticketing.checkout_sessions s set asked = s.asked + 1, ask_at = case
        when not d.is_over and s.status = 'open' then d.expires_at
        else v_now + ticketing.next_turn(s.asked) end
      from due d where s.order_id = d.order_id and s.attempt = d.attempt
      returning s.*, d.is_over)
  select coalesce(jsonb_agg(jsonb_build_object('order_id', l.order_id, 'attempt', l.attempt, 'session_id', l.session_id,
      'key', 'session:' || l.order_id || ':' || l.attempt, 'parameters', l.parameters,
      'action', case when l.status = 'creating' then 'create' when l.is_over then 'expire' else 'ask' end)), '[]')
    into v_due from leased l;
  return v_due;
end
$$;
