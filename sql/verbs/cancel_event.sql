-- cancel_event: call an event off, by its id or slug. From the first call on nothing of it is sold, and no payment of it is kept.
-- Each call ends at most p_limit of its orders, oldest first; asked again it goes on, and so does the job (continue_cancellations):
-- a crash loses nothing. Waiting orders end: their sessions are due to be expired at once, their places are free when they are. Each order's
-- valid tickets are sent back with all that they cost, free ones too; scanned ones only with p_force. What staff had voided stays.
--
-- Answers, first that applies:
--   INVALID_REQUEST  a reason of more than 500 characters, or an empty one; p_limit not from 1 to 1000
--   EVENT_NOT_FOUND  also for those who do not work for the event's business: they learn nothing
--   FORBIDDEN        the door's staff: owners and managers cancel
--   LOCK_TIMEOUT
--   success          {success: true, event_id, done, orders, left, pending, returning, returned, failed}: cancellation_progress
-- Asked again after the provider refused a refund (failed), it is sent once more.
-- Locks:  event, orders that nobody else has, their tiers and tickets, all by ascending id.
-- Writes: events, cancellations, orders, checkout_sessions, ticket_holds, tickets, refunds, ledger_entries; counters by trigger.
create or replace function ticketing.cancel_event(
  p_event text, p_reason text default null, p_force boolean default false, p_limit integer default 50) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_event_id uuid := ticketing.find_event(p_event);
  v_refusal text := ticketing.manager_refusal(v_event_id, 'EVENT_NOT_FOUND');
begin
  if p_event is null or length(p_reason) not between 1 and 500 or p_limit is null or p_limit not between 1 and 1000 then
    return ticketing.refused('INVALID_REQUEST', 'An event is needed; a reason has 1 to 500 characters.');
  elsif v_refusal is not null then
    return ticketing.refused(v_refusal);
  end if;
  update public.events e set status = 'cancelled' where e.id = v_event_id and e.status <> 'cancelled';
  insert into ticketing.cancellations as c (event_id, reason, force, requested_by)
    values (v_event_id, p_reason, coalesce(p_force, false), (ticketing.caller()).user_id)
    on conflict (event_id) do update set force = c.force or excluded.force, reason = coalesce(c.reason, excluded.reason),
      -- Only what failed before this call is tried again: a call that goes on with a batch asks for nothing anew. now(), as the
      -- refunds of this call have it.
      asked_at = case when exists (select from public.orders o where o.event_id = c.event_id and ticketing.is_to_cancel(o, c))
        then c.asked_at else now() end,
      passed_at = null;
  perform ticketing.cancel_orders(v_event_id, p_limit);
  return jsonb_build_object('success', true, 'event_id', v_event_id) || ticketing.cancellation_progress(v_event_id);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- cancellation_progress: how far it is, from the rows as they are.
--   orders     waiting, or with tickets         left      not ended yet         pending  waiting for the provider to end its session
--   returning  money on its way                 returned  tickets gone, money too
--   failed     the provider refused its refund  done      nothing is left, waiting or on its way
create or replace function ticketing.cancellation_progress(p_event_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    with o as (
      select o.status, o.given_up_at, ticketing.is_to_cancel(o, c) as is_left, exists (
          select from ticketing.refunds r where r.order_id = o.id and r.status = 'failed' and r.created_at >= c.asked_at)
          and exists (select from public.tickets t where t.event_id = o.event_id and t.order_id = o.id
            and (t.status = 'valid' or c.force and t.status = 'used')) as is_failed,
        exists (select from ticketing.refunds r where r.order_id = o.id and r.status in ('queued', 'pending')) as is_returning
      from public.orders o join ticketing.cancellations c on c.event_id = o.event_id
      where o.event_id = p_event_id and (o.status = 'pending' or o.tickets_issued_at is not null)),
    n as (
      select count(*) as orders, count(*) filter (where is_left) as "left",
        count(*) filter (where status = 'pending' and not is_left) as pending, count(*) filter (where is_returning) as returning,
        count(*) filter (where status = 'refunded' and not is_returning) as returned, count(*) filter (where is_failed) as failed
      from o)
    select to_jsonb(n) || jsonb_build_object('done', n."left" + n.pending + n.returning = 0) from n);
end
$$;
