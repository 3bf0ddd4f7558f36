-- cancel_orders: end a batch of a cancelled event's orders. Answers how many.
-- Keyset pagination: a batch goes on behind the last one, so that an event of many orders is not read anew for each; where a pass is
-- at its end, the next call begins another. An order that somebody else works on is left for the next pass: nobody waits while
-- this has locks. The caller has the cancellation's row.
-- Locks:  orders that nobody else has, then their tiers, then their tickets, all by ascending id.
-- Writes: cancellations, orders, checkout_sessions, ticket_holds, tickets, refunds, ledger_entries; counters by trigger.
create or replace function ticketing.cancel_orders(p_event_id uuid, p_limit integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_least constant uuid := '00000000-0000-0000-0000-000000000000';
  v_case ticketing.cancellations;
  v_from uuid;
  v_batch uuid[];
  v_id uuid;
  v_order public.orders;
  v_orders public.orders[] := '{}';
begin
  select * into v_case from ticketing.cancellations c where c.event_id = p_event_id;
  v_from := coalesce(v_case.passed_to, v_least);
  loop
    v_batch := array(
      select o.id from public.orders o where o.event_id = p_event_id and o.id > v_from and ticketing.is_to_cancel(o, v_case)
      order by o.id limit p_limit);
    exit when v_batch <> '{}' or v_from = v_least;
    v_from := v_least;
  end loop;
  foreach v_id in array v_batch loop
    continue when not pg_try_advisory_xact_lock(hashtextextended('order:' || v_id, 0));
    select * into v_order from public.orders o where o.id = v_id for no key update skip locked;
    -- Asked again: before the lock it was a first look.
    continue when not found or not ticketing.is_to_cancel(v_order, v_case);
    v_orders := v_orders || v_order;
  end loop;
  perform ticketing.lock_tiers(array(
    select i.tier_id from public.order_items i where i.order_id in (select o.id from unnest(v_orders) o)));
  for v_id in
    select t.id from public.tickets t where t.event_id = p_event_id and t.order_id in (select o.id from unnest(v_orders) o) order by t.id
  loop
    perform ticketing.lock_scanned(v_id);
  end loop;
  foreach v_order in array v_orders loop
    if v_order.status = 'pending' then
      perform ticketing.give_up_order(v_order, ticketing.last_session(v_order.id), clock_timestamp());
    else
      perform ticketing.return_order(v_order, v_case);
    end if;
  end loop;
  update ticketing.cancellations c set passed_to = v_batch[p_limit], passed_at = case when v_batch = '{}' then clock_timestamp() end
    where c.event_id = p_event_id;
  return cardinality(v_orders);
end
$$;

-- is_to_cancel: whether something of an order is still to be ended: it waits and was not given up, or has tickets to send back whose
-- refund the provider has not refused since it was asked for.
create or replace function ticketing.is_to_cancel(p_order public.orders, p_case ticketing.cancellations) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return p_order.status = 'pending' and p_order.given_up_at is null
    or p_order.tickets_issued_at is not null and exists (
      select from public.tickets t where t.event_id = p_order.event_id and t.order_id = p_order.id
        and (t.status = 'valid' or p_case.force and t.status = 'used'))
      and not exists (select from ticketing.refunds r
        where r.order_id = p_order.id and r.status = 'failed' and r.created_at >= p_case.asked_at);
end
$$;

-- return_order: all tickets of a paid or free order go back with what they cost; scanned ones only where that was asked.
create or replace function ticketing.return_order(p_order public.orders, p_case ticketing.cancellations) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_answer jsonb := ticketing.request_refund(p_order.id, array(
    select t.id from public.tickets t where t.event_id = p_order.event_id and t.order_id = p_order.id
      and (t.status = 'valid' or p_case.force and t.status = 'used')), coalesce(p_case.reason, 'The event is cancelled.'), p_case.force);
begin
  if not (v_answer ->> 'success')::boolean then
    raise exception 'order % is not sent back: %', p_order.id, v_answer
      using errcode = case v_answer ->> 'error' when 'LOCK_TIMEOUT' then '55P03' else 'P0001' end;
  end if;
end
$$;
