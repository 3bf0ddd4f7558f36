-- reserve_many: batching (group commit): many requests, each answered by itself and in order of arrival, under one lock of
-- each tier and with one commit for all. Each gets what it would get alone, asked after those before it.
--
-- A place in the arrays is a request. Where p_carts has null it is reserve_tickets_atomically(p_tier_ids, p_quantities), else
-- reserve_tickets_batch(p_carts, p_session_ids, p_user_ids, p_expires_minutes). p_roles and p_caller_ids say who asks: the
-- database role of each caller (null: anon), and the signed-in user. An array that is null has null in every place,
-- p_expires_minutes has 15.
-- Answers: a row a request, in order: what that verb answers. Null, and nothing is held, where the verb's door is to be asked in
--   that role: this session may not act as it, it may not call the door, or an operator's own stands in place of ours.
-- Raises 22023 where the arrays are not of one length from 1 to 1000.
--   LOCK_TIMEOUT is for who asks for the tier that was busy. Those who ask for others waited as long: gather by tier.
-- Locks:  tiers, ascending id; none where all that is asked of a tier is refused without.
-- Writes: ticket_holds (a row a hold); the counters follow by trigger.
create or replace function ticketing.reserve_many(
  p_tier_ids uuid[], p_quantities integer[], p_carts jsonb[] default null, p_session_ids text[] default null,
  p_user_ids uuid[] default null, p_expires_minutes integer[] default null, p_roles text[] default null,
  p_caller_ids uuid[] default null
) returns setof jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_requests record := ticketing.read_requests(
    p_tier_ids, p_quantities, p_carts, p_session_ids, p_user_ids, p_expires_minutes, p_roles, p_caller_ids);
  v_tier_id uuid;
  v_busy_ids uuid[] := '{}';
  v_answers jsonb[];
  v_is_one_by_one boolean := false;
begin
  -- Each round but the last finds a busy tier, or that a protection refused the batch: at most two more than there are tiers.
  loop
    begin
      foreach v_tier_id in array v_requests.wanted_ids loop
        if v_tier_id <> all (v_busy_ids) then
          perform ticketing.lock_tiers(array[v_tier_id]);
        end if;
      end loop;
      v_tier_id := null;
      v_answers := ticketing.hold_in_turn(v_requests, v_busy_ids, v_is_one_by_one);
      exit;
    exception
      when lock_not_available or deadlock_detected then
        if v_busy_ids @> v_requests.wanted_ids then
          raise;
        end if;
        -- Without a tier: a trigger waited, for a raw write beside this call.
        v_busy_ids := case when v_tier_id is null then v_requests.wanted_ids else v_busy_ids || v_tier_id end;
      -- A protection behind the decision refused an insert of many: each is judged by itself, and refused by itself.
      when check_violation or unique_violation then
        if v_is_one_by_one then
          raise;
        end if;
        v_is_one_by_one := true;
    end;
  end loop;
  return query select nullif(a.answer, 'null') from unnest(v_answers) as a(answer);
end
$$;
