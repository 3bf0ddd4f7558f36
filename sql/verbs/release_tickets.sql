-- release_tickets: give back some of one tier from the caller's own holds, newest first; more than is held gives back
-- what is held. A signed-in user's holds are that user's; a trusted caller's are those that it made without naming a
-- session. A guest has none that this could find: guests release by session (release_ticket_holds).
-- Errors: 22023 without a tier or a quantity of at least 1; PT503 LOCK_TIMEOUT after five seconds of waiting.
-- Locks:  the tier.
-- Writes: ticket_holds; the counter follows by trigger.
create or replace function ticketing.release_tickets(p_tier_id uuid, p_quantity integer) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_left integer := p_quantity;
  v_hold record;
begin
  if p_tier_id is null or p_quantity is null or p_quantity < 1 then
    raise exception 'p_tier_id and a p_quantity of at least 1 are needed' using errcode = '22023';
  end if;
  if v_caller.user_id is null and not v_caller.is_trusted then
    return;
  end if;
  perform ticketing.lock_tiers(array[p_tier_id]);
  for v_hold in
    select h.id, h.quantity, h.created_at from public.ticket_holds h
    where v_caller.user_id is not null
      and h.user_id = v_caller.user_id and h.tier_id is not distinct from p_tier_id and h.status = 'active'
      and h.order_id is null
    union all
    select h.id, h.quantity, h.created_at from public.ticket_holds h
    where v_caller.user_id is null
      and h.user_id is null and h.session_id like 'service:%' and h.tier_id = p_tier_id and h.status = 'active'
      and h.order_id is null
    order by created_at desc, id desc
  loop
    exit when v_left <= 0;
    if v_hold.quantity > v_left then
      update public.ticket_holds set quantity = quantity - v_left where id = v_hold.id;
    else
      update public.ticket_holds set status = 'released', ended_at = clock_timestamp() where id = v_hold.id;
    end if;
    v_left := v_left - v_hold.quantity;
  end loop;
exception when lock_not_available or deadlock_detected then
  -- A void function has no answer to refuse with; PT503 is what PostgREST answers as 503.
  raise exception 'LOCK_TIMEOUT: server busy, please try again' using errcode = 'PT503';
end
$$;
