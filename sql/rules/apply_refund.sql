-- apply_refund: settle_refund without the answer to a lock that does not come: it raises.
create or replace function ticketing.apply_refund(p_refund jsonb, p_refund_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_status text := case p_refund ->> 'status' when 'succeeded' then 'succeeded' when 'failed' then 'failed'
    when 'canceled' then 'failed' else 'pending' end;
  v_refund ticketing.refunds := ticketing.find_refund(p_refund, p_refund_id);
  v_outcome text := 'NO_CHANGE';
begin
  if v_refund.id is null then
    return '{"outcome": "UNMATCHED"}';
  end if;
  if v_status <> 'failed' and v_refund.status = 'failed' and v_refund.provider_refund_id is null then
    v_refund := ticketing.revive_refund(v_refund);
  end if;
  update ticketing.refunds r set provider_refund_id = coalesce(r.provider_refund_id, p_refund ->> 'id')
    where r.id = v_refund.id;
  if v_status = 'succeeded' and v_refund.status in ('queued', 'pending') then
    perform ticketing.succeed_refund(v_refund);
    v_outcome := 'REFUNDED';
  elsif v_status = 'failed' and v_refund.status <> 'failed' then
    perform ticketing.fail_refund(v_refund, coalesce(p_refund ->> 'failure_reason', p_refund ->> 'status'));
    v_outcome := 'REFUND_FAILED';
  elsif v_status = 'pending' and v_refund.status in ('queued', 'pending') then
    -- Asked for now and then: an event can be lost.
    update ticketing.refunds r set status = 'pending', asked = 0, ask_at = clock_timestamp() + interval '1 hour'
      where r.id = v_refund.id;
    perform ticketing.settle_order(v_refund.order_id, 'refund:' || v_refund.id || ':pending');
    v_outcome := 'PENDING';
  end if;
  update ticketing.payments p set ask_at = null where p.id = v_refund.payment_id and p.ask_at is not null
    and p.refunded_cents > 0 and p.refunded_cents <= ticketing.known_refunds(p);
  return jsonb_build_object('outcome', v_outcome, 'refund_id', v_refund.id, 'order_id', v_refund.order_id);
end
$$;

-- revive_refund: we believed that the provider refused it, and it has it: its tickets go with the money, those that were not
-- scanned meanwhile. One that nobody asked for counts as sent by a person from then on, so that one of ours may stand beside it.
create or replace function ticketing.revive_refund(p_refund ticketing.refunds) returns ticketing.refunds
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.lock_order_tickets(p_refund.order_id);
  update public.tickets t set status = 'refunding' where t.id = any (p_refund.ticket_ids) and t.status = 'valid';
  update ticketing.refunds r set status = 'pending', finished_at = null,
      cause = case r.cause when 'staff' then r.cause else 'dashboard' end
    where r.id = p_refund.id returning * into p_refund;
  return p_refund;
end
$$;

-- known_refunds: how much of a payment went back or is on its way, as far as we know.
create or replace function ticketing.known_refunds(p_payment ticketing.payments) returns bigint
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select m.sent + m.sending from ticketing.money_of(p_payment) m
$$;

-- find_refund: the refund that the provider means, with its order locked; one that a person made there is written down first.
-- Ours is known by our own call (p_refund_id) or its id; by metadata only where payment and amount are its own and no other
-- object is it: whoever can make refunds at the provider can write any metadata. All null where it is about no payment of ours.
create or replace function ticketing.find_refund(p_refund jsonb, p_refund_id uuid) returns ticketing.refunds
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments := ticketing.find_payment(p_refund);
  v_amount bigint := ticketing.amount_of(p_refund -> 'amount');
  v_refund ticketing.refunds;
begin
  if p_refund_id is not null then
    return ticketing.lock_refund(p_refund_id);
  elsif v_payment.id is null or coalesce(length(p_refund ->> 'id'), 0) not between 1 and 255
      or coalesce(v_amount, v_payment.amount_cents + 1) > v_payment.amount_cents then
    return null;
  end if;
  perform ticketing.lock_refund_order(v_payment.order_id);
  select * into v_refund from ticketing.refunds r where r.payment_id = v_payment.id
    and (r.provider_refund_id = p_refund ->> 'id' or r.provider_refund_id is null and r.amount_cents = v_amount
      and r.id::text = lower(p_refund #>> '{metadata,refund_id}'))
    order by r.provider_refund_id limit 1;
  if v_refund.id is null then
    insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause, status, provider_refund_id)
      values (v_payment.id, v_payment.order_id, v_payment.event_id, v_amount, v_payment.currency, 'dashboard', 'pending',
        p_refund ->> 'id')
      on conflict do nothing returning * into v_refund;
  end if;
  return v_refund;
end
$$;

-- lock_refund: a refund, read under its order's lock.
create or replace function ticketing.lock_refund(p_refund_id uuid) returns ticketing.refunds
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_refund ticketing.refunds;
begin
  select * into v_refund from ticketing.refunds r where r.id = p_refund_id;
  perform ticketing.lock_refund_order(v_refund.order_id);
  select * into v_refund from ticketing.refunds r where r.id = p_refund_id;
  return v_refund;
end
$$;

create or replace function ticketing.lock_refund_order(p_order_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.lock_order(p_order_id);
  perform ticketing.lock_order_tiers(p_order_id);
end
$$;

-- note_refunded: a charge was refunded, by us or by a person at the provider: where we do not know all of it, the job asks.
-- Locks:  order.
create or replace function ticketing.note_refunded(p_charge jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments := ticketing.find_payment(p_charge);
begin
  if v_payment.id is null then
    return '{"outcome": "UNMATCHED"}';
  end if;
  perform ticketing.lock_order(v_payment.order_id);
  update ticketing.payments p set refunded_cents = greatest(p.refunded_cents, ticketing.amount_of(p_charge -> 'amount_refunded')),
      asked = 0, ask_at = clock_timestamp()
    where p.id = v_payment.id
      and coalesce(ticketing.amount_of(p_charge -> 'amount_refunded'), p.amount_cents) > ticketing.known_refunds(p);
  return jsonb_build_object('order_id', v_payment.order_id, 'outcome', case when found then 'ASKED' else 'NO_CHANGE' end);
end
$$;
