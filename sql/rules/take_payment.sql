-- take_payment: money arrived at the provider. It is kept and its order's tickets are issued, or it goes back; which of the
-- two is decided once, under the order's lock, which the caller has.
--
-- p_payment = {id, session_id, amount_cents, currency, livemode, mode}; what is absent contradicts nothing.
-- Answers {outcome, reason}, first that applies:
--   ALREADY_ISSUED           this payment was kept before
--   RETURNED, its reason     this payment goes back, since before or from now on; its refund is queued:
--     SECOND_PAYMENT         another payment is kept for the order
--     AMOUNT_MISMATCH        it is not what the order costs: amount, currency, livemode or mode
--     EVENT_CANCELLED        the event or the order is
--     EVENT_OVER             the event has ended, or lets nobody in any more
--     TOO_LATE               the holds had lapsed, and there is no room for all of the order any more
--   ISSUED                   kept. A late one ignores the sale's window and limits, as the buyer was let in before.
-- Locks:  tiers, ascending id.
-- Writes: payments, orders, ticket_holds, tickets, refunds, ledger_entries; counters by trigger.
-- Errors: 55P03 where a tier stays busy, so that nothing is kept and the provider sends its event again.
create or replace function ticketing.take_payment(p_order public.orders, p_payment jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_known jsonb := ticketing.known_payment(p_payment ->> 'id');
  v_reason text;
  v_issued jsonb;
begin
  if v_known is not null then
    return v_known;
  end if;
  v_reason := ticketing.return_reason(p_order, p_payment);
  if v_reason is null then
    if not ticketing.lock_room(p_order.id) then
      v_reason := 'TOO_LATE';
    elsif not ticketing.keep_payment(p_order, p_payment, null) then
      -- A unique index knows this payment, or that another one is kept.
      v_known := ticketing.payment_outcome(p_payment ->> 'id');
      if v_known is not null then
        return v_known;
      end if;
      v_reason := 'SECOND_PAYMENT';
    end if;
  end if;
  if v_reason is null then
    update public.orders set status = 'paid', paid_at = clock_timestamp() where id = p_order.id;
    v_issued := ticketing.issue_order_tickets(p_order.id);
    if (v_issued ->> 'success')::boolean then
      perform ticketing.replay_disputes(p_payment ->> 'id');
      return '{"outcome": "ISSUED"}';
    elsif v_issued ->> 'error' = 'LOCK_TIMEOUT' then
      raise exception 'order % is paid and its tiers are busy', p_order.id using errcode = '55P03';
    end if;
    -- A protection behind the judgement refused the tickets: what was just written is written back.
    update public.orders set status = p_order.status, paid_at = p_order.paid_at where id = p_order.id;
    update ticketing.payments set status = 'returned', reason = 'TOO_LATE' where id = p_payment ->> 'id';
    v_reason := 'TOO_LATE';
  elsif not ticketing.keep_payment(p_order, p_payment, v_reason) then
    return coalesce(ticketing.payment_outcome(p_payment ->> 'id'), jsonb_build_object('outcome', 'NO_CHANGE'));
  end if;
  -- Nothing more comes by this session: the order ends, and its places are free.
  perform ticketing.expire_order(p_order);
  perform ticketing.settle_order(p_order.id, 'payment:' || (p_payment ->> 'id') || ':returned');
  perform ticketing.replay_disputes(p_payment ->> 'id');
  return jsonb_build_object('outcome', 'RETURNED', 'reason', v_reason);
end
$$;

-- known_payment: what became of a payment that was seen before; null where it was not. The caller has the order's lock, so
-- this is the decision, and payments_pkey the protection behind it.
create or replace function ticketing.known_payment(p_payment_id text) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.payment_outcome(p_payment_id);
end
$$;

create or replace function ticketing.payment_outcome(p_payment_id text) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_strip_nulls(jsonb_build_object('reason', p.reason, 'outcome', case p.status
      when 'kept' then 'ALREADY_ISSUED' when 'returned' then 'RETURNED' else 'UNMATCHED' end))
    from ticketing.payments p where p.id = p_payment_id limit 1);
end
$$;

-- return_reason: why a payment cannot be kept, but for the room; null where it can.
create or replace function ticketing.return_reason(p_order public.orders, p_payment jsonb) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return case
    when exists (select from ticketing.payments p where p.order_id = p_order.id and p.status = 'kept') then 'SECOND_PAYMENT'
    when (p_payment ->> 'amount_cents')::bigint <> p_order.total_cents
      or upper(p_payment ->> 'currency') <> p_order.currency::text
      or p_payment ->> 'mode' <> 'payment'
      or exists (select from ticketing.checkout_sessions s
        where s.order_id = p_order.id and s.livemode <> (p_payment ->> 'livemode')::boolean) then 'AMOUNT_MISMATCH'
    when p_order.status = 'cancelled'
      or exists (select from public.events e where e.id = p_order.event_id and e.status = 'cancelled') then 'EVENT_CANCELLED'
    when ticketing.is_over(p_order.event_id) then 'EVENT_OVER'
    when p_order.status not in ('pending', 'expired') then 'SECOND_PAYMENT'
  end;
end
$$;

-- keep_payment: write a payment down, kept (no reason) or to be returned, with what it brought; false where a unique index
-- refuses it.
create or replace function ticketing.keep_payment(p_order public.orders, p_payment jsonb, p_reason text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_amount bigint := coalesce((p_payment ->> 'amount_cents')::bigint, p_order.total_cents);
  v_currency text := upper(coalesce(p_payment ->> 'currency', p_order.currency));
begin
  insert into ticketing.payments (id, order_id, event_id, business_id, session_id, amount_cents, currency, livemode, status, reason, ask_at)
    values (p_payment ->> 'id', p_order.id, p_order.event_id,
      (select e.business_id from public.events e where e.id = p_order.event_id), p_payment ->> 'session_id', v_amount, v_currency,
      coalesce((p_payment ->> 'livemode')::boolean, false), case when p_reason is null then 'kept' else 'returned' end, p_reason,
      -- A refund of it that came before it named nothing that was known: the provider is asked for it again.
      case when exists (select from public.webhook_events w
          where w.payload is not null and left(w.payload #>> '{data,object,payment_intent}', 255) = p_payment ->> 'id')
        then clock_timestamp() end)
    on conflict do nothing;
  if not found then
    return false;
  end if;
  perform ticketing.book(p_order.id, v_currency, 'payment:' || (p_payment ->> 'id'), '{captured,pending}',
    array[v_amount, -v_amount]);
  return true;
end
$$;

-- note_unmatched_payment: a session that is none of ours, or of which we cannot read what was paid. The money of one that is
-- paid is kept in sight, and never refunded by itself.
-- Locks:  the payment.
create or replace function ticketing.note_unmatched_payment(p_payment jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.lock_key('payment:' || (p_payment ->> 'id'));
  if p_payment is not null and ticketing.payment_outcome(p_payment ->> 'id') is null then
    insert into ticketing.payments (id, session_id, amount_cents, currency, livemode, status)
      -- XXX: ISO 4217's code for no currency.
    values (p_payment ->> 'id', p_payment ->> 'session_id', coalesce(ticketing.amount_of(p_payment -> 'amount_cents'), 0),
        upper(left(coalesce(p_payment ->> 'currency', 'XXX'), 20)), coalesce(p_payment ->> 'livemode' = 'true', false), 'unmatched')
      on conflict do nothing;
  end if;
  return jsonb_build_object('outcome', 'UNMATCHED', 'order_id', null);
end
$$;
