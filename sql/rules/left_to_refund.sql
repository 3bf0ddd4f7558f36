-- left_to_refund: how much of a payment was not sent back and is not on its way.
create or replace function ticketing.left_to_refund(p_payment ticketing.payments) returns bigint
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select greatest(0, p_payment.amount_cents - (select coalesce(sum(r.amount_cents), 0) from ticketing.refunds r
    where r.payment_id = p_payment.id and r.status <> 'failed'))
$$;

-- price_of: what tickets cost when they were ordered.
create or replace function ticketing.price_of(p_ticket_ids uuid[], out tickets bigint, out fees bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(sum(i.unit_price_cents), 0), coalesce(sum(i.unit_fee_cents), 0)
  from public.tickets t join public.order_items i on i.event_id = t.event_id and i.id = t.order_item_id
  where t.id = any (p_ticket_ids)
$$;
