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
  update ticketing.refunds r set provider_refund_id = coalesce(r.provider_refund_id, p_refund ->> 'id')
    where r.id = v_refund.id;
  if v_status = 'succeeded' and v_refund.status in ('queued', 'pending') then
    perform ticketing.succeed_refund(v_refund);
    v_outcome := 'REFUNDED';
  elsif v_status = 'succeeded' and v_refund.status = 'failed' and v_refund.provider_refund_id is null then
    -- We believed that it was refused, and it went: as one that a person made.
    update ticketing.refunds r set cause = 'dashboard', ticket_ids = '{}' where r.id = v_refund.id returning * into v_refund;
    perform ticketing.succeed_refund(v_refund);
    v_outcome := 'REFUNDED';
  elsif v_status = 'failed' and v_refund.status <> 'failed' then
    perform ticketing.fail_refund(v_refund, coalesce(p_refund ->> 'failure_reason', p_refund ->> 'status'));
    v_outcome := 'REFUND_FAILED';
  elsif v_status = 'pending' and v_refund.status in ('queued', 'pending') then
    -- Asked for now and then: an event can be lost.
    update ticketing.refunds r set status = 'pending', asked = 0, ask_at = clock_timestamp() + interval '1 hour'
      where r.id = v_refund.id;
    v_outcome := 'PENDING';
  end if;
  update ticketing.payments p set ask_at = null where p.id = v_refund.payment_id and p.ask_at is not null
    and p.refunded_cents > 0 and p.refunded_cents <= p.amount_cents - ticketing.left_to_refund(p);
  return jsonb_build_object('outcome', v_outcome, 'refund_id', v_refund.id, 'order_id', v_refund.order_id);
end
$$;

-- find_refund: the refund that the provider means, with its order locked; one that a person made there is written down first.
-- All null where it is about no payment of ours.
create or replace function ticketing.find_refund(p_refund jsonb, p_refund_id uuid) returns ticketing.refunds
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_named uuid := coalesce(p_refund_id, case when ticketing.is_uuid(p_refund #>> '{metadata,refund_id}')
    then (p_refund #>> '{metadata,refund_id}')::uuid end);
  v_payment ticketing.payments;
  v_refund ticketing.refunds;
begin
  select * into v_refund from ticketing.refunds r where r.id = v_named;
  if v_refund.id is not null then
    return ticketing.lock_refund(v_refund.id);
  end if;
  v_payment := ticketing.find_payment(p_refund);
  if v_payment.id is null then
    return null;
  end if;
  perform ticketing.lock_refund_order(v_payment.order_id);
  select * into v_refund from ticketing.refunds r where r.provider_refund_id = p_refund ->> 'id';
  if v_refund.id is null then
    insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause, status, provider_refund_id)
      values (v_payment.id, v_payment.order_id, v_payment.event_id, coalesce((p_refund ->> 'amount')::bigint, 0),
        v_payment.currency, 'dashboard', 'pending', p_refund ->> 'id')
      returning * into v_refund;
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
  update ticketing.payments p set refunded_cents = greatest(p.refunded_cents, (p_charge ->> 'amount_refunded')::bigint),
      asked = 0, ask_at = clock_timestamp()
    where p.id = v_payment.id
      and coalesce((p_charge ->> 'amount_refunded')::bigint, p.amount_cents) > p.amount_cents - ticketing.left_to_refund(p);
  return jsonb_build_object('order_id', v_payment.order_id, 'outcome', case when found then 'ASKED' else 'NO_CHANGE' end);
end
$$;
