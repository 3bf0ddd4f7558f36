-- receive_webhook: an event of the provider, whose signature was checked. Its mark in the inbox and its effect are one
-- transaction: a crash between them keeps neither, and the provider sends it again. The event's id alone decides a duplicate.
--
-- p_event is the provider's event: {id, type, data: {object}, livemode, account}. A missing livemode means test.
-- Answers, first that applies:
--   INVALID_REQUEST  no event
--   success          {success: true, received: true, event_type, duplicate, outcome, order_id}:
--     duplicate: true   what became of it when it came first
--     UNMATCHED         another account's, about no session of ours, or not to be read; kept whole for a person to look at
--     IGNORED           of a type that has no effect here
--     else              settle_session's, settle_refund's or settle_dispute's
-- Locks:  order, tiers, tickets by id. The provider is never called.
-- Writes: webhook_events, and what these write.
-- Errors: 55P03 where a lock does not come in five seconds.
create or replace function ticketing.receive_webhook(p_event jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_id text := p_event ->> 'id';
  v_type text := p_event ->> 'type';
  v_answer jsonb;
  v_is_new boolean;
begin
  if coalesce(length(v_id), 0) not between 1 and 255 or coalesce(length(v_type), 0) not between 1 and 200
      or jsonb_typeof(p_event #> '{data,object}') is distinct from 'object' then
    return ticketing.refused('INVALID_REQUEST', 'An event has an id, a type and an object.');
  end if;
  perform ticketing.limit_wait();
  -- Without a conflict target: also where the key were missing, this would not fail.
  insert into public.webhook_events (id, type, livemode, outcome)
    values (v_id, v_type, coalesce(p_event ->> 'livemode' = 'true', false), 'RECEIVED') on conflict do nothing;
  v_is_new := found;
  if v_is_new then
    begin
      v_answer := ticketing.apply_event(v_type, p_event);
    -- Poison message: what cannot be read will never be; refused, the provider would send it for days.
    exception when data_exception or program_limit_exceeded then
      v_answer := '{"outcome": "UNMATCHED"}';
    end;
    update public.webhook_events w set outcome = v_answer ->> 'outcome', order_id = (v_answer ->> 'order_id')::uuid,
        (event_id, business_id) = (select e.id, e.business_id from public.orders o join public.events e on e.id = o.event_id
          where o.id = (v_answer ->> 'order_id')::uuid),
        payload = case when v_answer ->> 'outcome' = 'UNMATCHED' then p_event end
      where w.id = v_id;
  else
    perform ticketing.await_standby();
    select jsonb_build_object('outcome', w.outcome, 'order_id', w.order_id) into v_answer
      from public.webhook_events w where w.id = v_id limit 1;
  end if;
  return jsonb_build_object('success', true, 'received', true, 'event_type', v_type, 'duplicate', not v_is_new) || v_answer;
end
$$;

-- apply_event: the effect of an event: {outcome, order_id, reason}.
create or replace function ticketing.apply_event(p_type text, p_event jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_object jsonb := jsonb_build_object('livemode', coalesce(p_event ->> 'livemode' = 'true', false))
    || (p_event #> '{data,object}');
begin
  -- Another account's money is none of our orders', whatever it names.
  if p_event ->> 'account' is not null then
    return ticketing.note_unmatched_payment(case when p_type like 'checkout.session.%'
      then ticketing.payment_of(ticketing.session_told(p_type, v_object)) end);
  end if;
  return case p_type
    when 'checkout.session.completed' then ticketing.apply_session(ticketing.session_told(p_type, v_object))
    when 'checkout.session.async_payment_succeeded' then ticketing.apply_session(ticketing.session_told(p_type, v_object))
    when 'checkout.session.expired' then ticketing.apply_session(ticketing.session_told(p_type, v_object))
    when 'checkout.session.async_payment_failed' then ticketing.fail_payment(v_object)
    when 'refund.created' then ticketing.apply_refund(v_object, null)
    when 'refund.updated' then ticketing.apply_refund(v_object, null)
    when 'refund.failed' then ticketing.apply_refund(v_object, null)
    when 'charge.refunded' then ticketing.note_refunded(v_object)
    when 'charge.dispute.created' then ticketing.settle_dispute(v_object)
    when 'charge.dispute.closed' then ticketing.settle_dispute(v_object)
    -- The buyer may try again in the same session.
    when 'payment_intent.payment_failed' then jsonb_build_object('outcome', 'NO_CHANGE', 'order_id', (
      select o.id from public.orders o where o.id = ticketing.order_named(v_object)))
    else jsonb_build_object('outcome', 'IGNORED', 'order_id', (
      select o.id from public.orders o where o.id = ticketing.order_named(v_object))) end;
end
$$;

-- session_told: a session's object with what the type of its event says, where the object does not say it itself.
create or replace function ticketing.session_told(p_type text, p_session jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_type
    when 'checkout.session.expired' then '{"status": "expired"}'
    when 'checkout.session.async_payment_succeeded' then '{"status": "complete", "payment_status": "paid"}'
    else '{"status": "complete"}' end::jsonb || jsonb_strip_nulls(p_session)
$$;
