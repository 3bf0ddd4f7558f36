-- order_state: what is true of an order now, for whoever shows it. Derived from tickets, payments, refunds, disputes, sessions and
-- event: an order's status alone does not say where money is, or whether a ticket admits. Pages have only the words.
--   {state, may_charge, reason, admits, charged_cents, back_cents, coming_cents, owed_cents, disputed_cents, dispute, second}
--   may_charge  money may still be taken, or have been taken without our knowing: nobody may say "nothing was charged"
--   reason      why its last payment goes back; null where it was kept
--   admits      how many of its tickets a gate would let in, or has
--   charged, back, coming, owed, disputed_cents  by all payments that are known: taken, back with the buyer, on its way there,
--               to go back and not on its way, taken back by the buyer's bank
--   dispute     open, lost, or null         second  whether a payment beside the kept one goes back
-- Writes: nothing.
create or replace function ticketing.order_state(p_order public.orders) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_session ticketing.checkout_sessions := ticketing.last_session(p_order.id);
  v_money record := ticketing.order_money(p_order.id);
  v_door text := ticketing.closed_door(p_order.event_id);
  v_is_over boolean := ticketing.is_over(p_order.event_id);
  v_tickets record;
  v_is_confirming boolean := v_session.status = 'complete' and v_money.payments = 0 and not exists (
    select from public.webhook_events w where w.order_id = p_order.id and w.type = 'checkout.session.async_payment_failed');
  v_may_charge boolean := coalesce(v_session.status in ('creating', 'open') and v_money.payments = 0, false) or v_is_confirming;
begin
  select count(*) as total, count(*) filter (where k.status in ('valid', 'used')) as admitting,
      count(*) filter (where k.status = 'used') as used, count(*) filter (where k.status = 'refunding') as refunding,
      count(*) filter (where k.status = 'refunded') as refunded into v_tickets
    from public.tickets k where k.event_id = p_order.event_id and k.order_id = p_order.id;
  return to_jsonb(v_money) - 'payments' || jsonb_build_object('may_charge', v_may_charge,
    'admits', case when v_door in ('EVENT_CANCELLED', 'TOO_LATE') then 0 else v_tickets.admitting end,
    'state', case when v_tickets.total > 0 then ticketing.tickets_state(v_tickets, v_door)
      else ticketing.unissued_state(p_order, v_session, v_door, v_is_over, v_is_confirming, v_money.payments) end);
end
$$;

-- tickets_state: of an order that has its tickets. First that applies:
--   event_cancelled, refunding, refunded, void (all of them), over, used, part (some admit, some do not), valid
create or replace function ticketing.tickets_state(p_tickets record, p_door text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return case
    when p_door = 'EVENT_CANCELLED' then 'event_cancelled'
    when p_tickets.admitting = 0 and p_tickets.refunding > 0 then 'refunding'
    when p_tickets.admitting = 0 and p_tickets.refunded > 0 then 'refunded'
    when p_tickets.admitting = 0 then 'void'
    when p_door = 'TOO_LATE' then 'over'
    when p_tickets.admitting < p_tickets.total then 'part'
    when p_tickets.used = p_tickets.total then 'used'
    else 'valid' end;
end
$$;

-- unissued_state: of an order without tickets. First that applies:
--   issuing       its payment is kept, its tickets come
--   returned      its payment goes back, or went
--   event_cancelled, event_over  nothing can be bought any more; may_charge says whether a payment may still arrive
--   confirming    the buyer's bank confirms a delayed payment, and its tickets are held for it
--   confirming_late  the same, and they are not held any more
--   failed        the delayed payment did not come
--   giving_up     given up, and its payment page is being closed
--   checking      its time is over, and the provider was not heard of yet
--   to_pay, opening  it can be paid now, or in a moment
--   given_up, not_opened, cancelled, expired  it ended without money
create or replace function ticketing.unissued_state(
  p_order public.orders, p_session ticketing.checkout_sessions, p_door text, p_is_over boolean, p_is_confirming boolean,
  p_payments bigint) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_is_pending boolean := p_order.status = 'pending';
begin
  return case
    when p_order.status in ('paid', 'partially_refunded', 'refunded') then 'issuing'
    when p_payments > 0 then 'returned'
    when p_door = 'EVENT_CANCELLED' then 'event_cancelled'
    when p_is_over and (v_is_pending or p_is_confirming) then 'event_over'
    when p_is_confirming then case when v_is_pending then 'confirming' else 'confirming_late' end
    when p_session.status = 'complete' then 'failed'
    when v_is_pending and p_order.given_up_at is not null then 'giving_up'
    when p_session.status in ('creating', 'open') and (not v_is_pending or p_order.expires_at <= clock_timestamp()) then 'checking'
    when v_is_pending and p_session.status = 'open' and p_session.url is not null then 'to_pay'
    when v_is_pending then 'opening'
    when p_order.given_up_at is not null then 'given_up'
    when p_session.status = 'refused' then 'not_opened'
    when p_order.status = 'cancelled' then 'cancelled'
    else 'expired' end;
end
$$;

-- order_money: where the money of an order is, by money_of: payments, how many are known.
create or replace function ticketing.order_money(p_order_id uuid,
  out payments bigint, out charged_cents bigint, out back_cents bigint, out coming_cents bigint, out owed_cents bigint,
  out disputed_cents bigint, out dispute text, out reason text, out second boolean)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  select count(*), coalesce(sum(p.amount_cents), 0), coalesce(sum(m.sent), 0), coalesce(sum(m.sending), 0),
      coalesce(sum(greatest(m.owed, 0)), 0), coalesce(sum(m.disputed), 0),
      (array_agg(p.reason order by p.created_at desc) filter (where p.status = 'returned'))[1],
      coalesce(bool_or(p.status = 'kept') and bool_or(p.status = 'returned'), false)
    into payments, charged_cents, back_cents, coming_cents, owed_cents, disputed_cents, reason, second
    from ticketing.payments p cross join lateral ticketing.money_of(p) m
    where p.order_id = p_order_id and p.status <> 'unmatched';
  select case when bool_or(d.status = 'open') then 'open' when bool_or(d.status = 'lost') then 'lost' end into dispute
    from ticketing.disputes d where d.order_id = p_order_id;
end
$$;
