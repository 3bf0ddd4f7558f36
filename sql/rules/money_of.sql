-- money_of: where the money of a payment is. The one rule about what goes back: everything else derives from it.
--   tickets, fees  what it pays for: living tickets, and voided ones whose money stays
--   sent           went back            sending  is on its way        ours  of that, what a job of ours sends
--   disputed       a dispute took it, and has not been won
--   owed           to go back, and not on its way; below zero: more went than tickets
--   pending        captured, and its end is not final
create or replace function ticketing.money_of(p_payment ticketing.payments,
  out tickets bigint, out fees bigint, out sent bigint, out sending bigint, out ours bigint, out disputed bigint,
  out owed bigint, out pending bigint)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_left bigint;
begin
  select coalesce(sum(i.unit_price_cents), 0), coalesce(sum(i.unit_fee_cents), 0) into tickets, fees
    from public.tickets t join public.order_items i on i.event_id = t.event_id and i.id = t.order_item_id
    where p_payment.status = 'kept' and t.event_id = p_payment.event_id and t.order_id = p_payment.order_id
      and t.status not in ('refunding', 'refunded');
  select coalesce(sum(r.amount_cents) filter (where r.status = 'succeeded'), 0),
      coalesce(sum(r.amount_cents) filter (where r.status in ('queued', 'pending')), 0),
      coalesce(sum(r.amount_cents) filter (where r.status in ('queued', 'pending') and r.cause <> 'dashboard'), 0)
    into sent, sending, ours from ticketing.refunds r where r.payment_id = p_payment.id;
  select coalesce(sum(d.amount_cents), 0) into disputed
    from ticketing.disputes d where d.payment_id = p_payment.id and d.status <> 'won';
  v_left := p_payment.amount_cents - tickets - fees - sent - disputed;
  owed := v_left - sending;
  pending := greatest(v_left, case p_payment.status when 'kept' then ours else 0 end);
end
$$;

-- price_of: what tickets cost when they were ordered.
create or replace function ticketing.price_of(p_ticket_ids uuid[]) returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(sum(i.unit_price_cents + i.unit_fee_cents), 0)
  from public.tickets t join public.order_items i on i.event_id = t.event_id and i.id = t.order_item_id
  where t.id = any (p_ticket_ids)
$$;
