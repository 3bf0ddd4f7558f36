-- request_refund: send an order's tickets back, some (p_ticket_ids) or all (null), and their price with their fees. The gate
-- refuses them from here on; they count as sold until the money has gone. The job sends it.
--
-- Answers, first that applies:
--   INVALID_REQUEST   no order, an empty list, or a reason of more than 500 characters
--   ORDER_NOT_FOUND   also for those who do not work for the event's business: they learn nothing
--   FORBIDDEN         the door's staff: owners and managers refund
--   ORDER_NOT_PAID    no ticket was issued
--   TICKET_NOT_FOUND  one of them is not of this order; nothing changes
--   TICKET_USED       one of them was scanned, and p_force is not set; nothing changes
--   ALREADY_REFUNDED  none of them is left to send back; refund_ids are those that took them. Where their money came back and
--                     was given up, it is sent once more instead: success
--   LOCK_TIMEOUT
--   success           {success: true, refund_id, status: queued | succeeded, amount_cents, currency, ticket_ids, payment_id}
-- What was sent back before without a ticket is subtracted, and what a dispute took: never more goes than came. Should the dispute be
-- won, it is owed and goes. Free tickets, and those of which nothing is left to send, are refunded at once.
-- Locks:  order, tiers, ascending id, tickets by id: a scan beside it is before or after.
-- Writes: tickets, refunds, ledger_entries, orders; counters by trigger.
create or replace function ticketing.request_refund(
  p_order_id uuid, p_ticket_ids uuid[] default null, p_reason text default null, p_force boolean default false) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
  v_refusal text := ticketing.order_manager_refusal(p_order_id);
  v_ids uuid[];
  v_asked record;
  v_price bigint;
  v_payment ticketing.payments;
  v_money record;
  v_amount bigint;
  v_refund ticketing.refunds;
begin
  if p_order_id is null or cardinality(p_ticket_ids) = 0 or length(p_reason) > 500 then
    return ticketing.refused('INVALID_REQUEST',
      'An order is needed; a list of tickets is not empty, a reason is not longer than 500.');
  elsif v_refusal is not null then
    return ticketing.refused(v_refusal);
  end if;
  v_order := ticketing.lock_order(p_order_id);
  if v_order.tickets_issued_at is null then
    return ticketing.refused('ORDER_NOT_PAID');
  end if;
  perform ticketing.lock_order_tiers(p_order_id);
  v_asked := ticketing.lock_tickets(v_order, p_ticket_ids);
  if v_asked.unknown > 0 then
    return ticketing.refused('TICKET_NOT_FOUND');
  elsif v_asked.used > 0 and not coalesce(p_force, false) then
    return ticketing.refused('TICKET_USED');
  end if;

  select * into v_payment from ticketing.payments p where p.order_id = p_order_id and p.status = 'kept';
  if cardinality(v_asked.ids) = 0 then
    return ticketing.refund_again(p_order_id, v_payment, v_asked.asked);
  end if;
  v_ids := v_asked.ids;
  v_price := ticketing.price_of(v_ids);
  v_money := ticketing.money_of(v_payment);
  v_amount := greatest(0, least(v_price, coalesce(v_payment.amount_cents - v_money.sent - v_money.sending - v_money.disputed, 0)));
  insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, ticket_ids,
      cause, note, requested_by, status, ask_at, finished_at)
    values (v_payment.id, p_order_id, v_order.event_id, v_amount, v_order.currency, v_ids, 'staff', p_reason, (ticketing.caller()).user_id,
      case when v_amount = 0 then 'succeeded' else 'queued' end, case when v_amount > 0 then clock_timestamp() end,
      case when v_amount = 0 then clock_timestamp() end)
    returning * into v_refund;
  update public.tickets t set status = case when v_amount = 0 then 'refunded' else 'refunding' end where t.id = any (v_ids);
  perform ticketing.settle_order(p_order_id, 'refund:' || v_refund.id);
  return jsonb_build_object('success', true, 'refund_id', v_refund.id, 'status', v_refund.status, 'amount_cents', v_amount,
    'currency', v_order.currency, 'ticket_ids', to_jsonb(v_ids), 'payment_id', v_payment.id);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- refund_again: none of the tickets is left to send back. Where their money came back and nobody sends it any more, staff has
-- asked for it: it is sent once more.
create or replace function ticketing.refund_again(
  p_order_id uuid, p_payment ticketing.payments, p_ticket_ids uuid[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_refund ticketing.refunds;
begin
  if (ticketing.money_of(p_payment)).owed > 0 then
    v_refund := ticketing.queue_owed(p_payment, true);
  end if;
  if v_refund.asked > 0 or v_refund.id is null then
    return ticketing.refused('ALREADY_REFUNDED') || jsonb_build_object('refund_ids', (
      select coalesce(jsonb_agg(r.id order by r.created_at, r.id), '[]') from ticketing.refunds r
      where r.order_id = p_order_id and r.ticket_ids && p_ticket_ids and r.status <> 'failed'));
  end if;
  return jsonb_build_object('success', true, 'refund_id', v_refund.id, 'status', 'queued', 'amount_cents', v_refund.amount_cents,
    'currency', v_refund.currency, 'ticket_ids', to_jsonb(p_ticket_ids), 'payment_id', v_refund.payment_id);
end
$$;

-- lock_tickets: the named tickets of an order, all of them where none is named, locked one by one by ascending id.
--   asked    those that are the order's         ids   those of them that can be sent back
--   unknown  how many are none of the order's   used  how many of ids were scanned
create or replace function ticketing.lock_tickets(
  p_order public.orders, p_ticket_ids uuid[], out asked uuid[], out ids uuid[], out unknown integer, out used integer)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_id uuid;
  v_ticket record;
begin
  asked := '{}';
  ids := '{}';
  unknown := 0;
  used := 0;
  for v_id in
    select distinct k.id from unnest(coalesce(p_ticket_ids, array(
      select t.id from public.tickets t where t.event_id = p_order.event_id and t.order_id = p_order.id))) k(id) order by k.id
  loop
    perform ticketing.limit_wait();
    select t.id, t.status, t.checked_in_at into v_ticket from public.tickets t
      where t.id = v_id and t.order_id = p_order.id for no key update;
    if v_ticket.id is null then
      unknown := unknown + 1;
    else
      asked := asked || v_id;
      if v_ticket.status in ('valid', 'used') then
        ids := ids || v_id;
        used := used + (v_ticket.status = 'used')::integer;
      end if;
    end if;
  end loop;
end
$$;
