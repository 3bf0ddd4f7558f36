-- void_returned: where all of a kept payment has been sent back, every ticket that was not scanned goes too. What they cost
-- is no goodwill any more.
create or replace function ticketing.void_returned(p_payment ticketing.payments) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_ids uuid[];
  v_price record;
begin
  if p_payment.status is distinct from 'kept' or p_payment.amount_cents > (
      select coalesce(sum(r.amount_cents), 0) from ticketing.refunds r
      where r.payment_id = p_payment.id and r.status = 'succeeded') then
    return;
  end if;
  with voided as (
    update public.tickets t set status = 'refunded'
      where t.event_id = p_payment.event_id and t.order_id = p_payment.order_id and t.status = 'valid' returning t.id)
  select coalesce(array_agg(id), '{}') into v_ids from voided;
  v_price := ticketing.price_of(v_ids);
  update ticketing.refunds r set goodwill_cents = r.goodwill_cents - v_price.tickets - v_price.fees,
      ticket_ids = r.ticket_ids || v_ids
    where cardinality(v_ids) > 0 and r.id = (
      select s.id from ticketing.refunds s where s.payment_id = p_payment.id and s.status = 'succeeded'
      order by s.finished_at desc, s.id limit 1);
end
$$;

-- note_refunds: the status of an order follows its tickets and its money.
create or replace function ticketing.note_refunds(p_order_id uuid) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update public.orders o set status = n.status
  from (
    select case
      when not exists (select from public.tickets t where t.event_id = p.event_id and t.order_id = p.id
        and t.status in ('valid', 'used', 'refunding')) then 'refunded'
      when exists (select from ticketing.payments k where k.order_id = p.id and k.status = 'kept' and 0 < k.amount_cents
        and k.amount_cents <= (select sum(r.amount_cents) from ticketing.refunds r
          where r.payment_id = k.id and r.status = 'succeeded')) then 'refunded'
      when exists (select from public.tickets t where t.event_id = p.event_id and t.order_id = p.id and t.status = 'refunded')
        or exists (select from ticketing.refunds r join ticketing.payments k on k.id = r.payment_id and k.status = 'kept'
          where r.order_id = p.id and r.status = 'succeeded' and r.amount_cents > 0) then 'partially_refunded'
      else 'paid' end as status
    from public.orders p where p.id = p_order_id) n
  where o.id = p_order_id and o.status in ('paid', 'partially_refunded', 'refunded') and o.status <> n.status
$$;
