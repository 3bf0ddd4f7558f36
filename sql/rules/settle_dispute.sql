-- settle_dispute: what the provider says about a dispute of a payment. Its amount leaves the order's sales when it is opened,
-- comes back when it is won, stays away when it is lost. The tickets stay as they are: staff decides, and may void them.
-- Answers {outcome, order_id}: UNMATCHED, DISPUTED, DISPUTE_WON, DISPUTE_LOST, NO_CHANGE (an inquiry, or told before)
-- Locks:  order.
-- Writes: disputes, and what settle_order writes.
create or replace function ticketing.settle_dispute(p_dispute jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments := ticketing.find_payment(p_dispute);
  v_known ticketing.disputes;
  v_amount bigint := case when p_dispute ->> 'amount' is null then 0
    else ticketing.amount_of(p_dispute -> 'amount') end;
  v_is_open boolean := p_dispute ->> 'status' in ('needs_response', 'under_review');
  v_status text := case p_dispute ->> 'status' when 'lost' then 'lost' when 'won' then 'won' when 'prevented' then 'won'
    when 'warning_closed' then 'won' else 'open' end;
begin
  if v_payment.id is null or coalesce(length(p_dispute ->> 'id'), 0) not between 1 and 255 or v_amount is null then
    return '{"outcome": "UNMATCHED"}';
  end if;
  perform ticketing.lock_order(v_payment.order_id);
  select * into v_known from ticketing.disputes d where d.id = p_dispute ->> 'id';
  if v_known.status in ('won', 'lost') or v_known.status = v_status or v_status = 'open' and not v_is_open then
    return jsonb_build_object('outcome', 'NO_CHANGE', 'order_id', v_payment.order_id);
  end if;
  -- Never more than was paid; one that is told of when it is won already took nothing.
  insert into ticketing.disputes (id, payment_id, order_id, event_id, business_id, amount_cents, status)
    values (p_dispute ->> 'id', v_payment.id, v_payment.order_id, v_payment.event_id, v_payment.business_id, least(v_amount, v_payment.amount_cents), v_status)
    on conflict do nothing;
  update ticketing.disputes d set status = v_status, closed_at = case when v_status <> 'open' then clock_timestamp() end
    where d.id = p_dispute ->> 'id';
  perform ticketing.settle_order(v_payment.order_id, 'dispute:' || (p_dispute ->> 'id') || ':' || v_status);
  return jsonb_build_object('order_id', v_payment.order_id, 'outcome', case v_status when 'open' then 'DISPUTED'
    when 'won' then 'DISPUTE_WON' else 'DISPUTE_LOST' end);
end
$$;

-- replay_disputes: what was told of a payment before it was known has its effect now.
create or replace function ticketing.replay_disputes(p_payment_id text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_event record;
  v_answer jsonb;
begin
  for v_event in
    select w.id, w.payload from public.webhook_events w
    where w.payload is not null and left(w.payload #>> '{data,object,payment_intent}', 255) = p_payment_id and w.type like 'charge.dispute.%'
    order by w.received_at, w.id
  loop
    v_answer := ticketing.settle_dispute(v_event.payload #> '{data,object}');
    update public.webhook_events w set outcome = v_answer ->> 'outcome', order_id = (v_answer ->> 'order_id')::uuid, payload = null,
        (event_id, business_id) = (select p.event_id, p.business_id from ticketing.payments p where p.id = p_payment_id)
      where w.id = v_event.id;
  end loop;
end
$$;
