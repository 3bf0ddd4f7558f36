-- void_returned: where all of a kept payment has been sent back, every ticket that was not scanned goes too.
create or replace function ticketing.void_returned(p_payment_id text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments;
  v_ids uuid[];
begin
  select * into v_payment from ticketing.payments p where p.id = p_payment_id;
  if v_payment.status is distinct from 'kept' or v_payment.amount_cents > (ticketing.money_of(v_payment)).sent then
    return;
  end if;
  with voided as (
    update public.tickets t set status = 'refunded'
      where t.event_id = v_payment.event_id and t.order_id = v_payment.order_id and t.status = 'valid' returning t.id)
  select coalesce(array_agg(id), '{}') into v_ids from voided;
  update ticketing.refunds r set ticket_ids = r.ticket_ids || v_ids
    where cardinality(v_ids) > 0 and r.id = (
      select s.id from ticketing.refunds s where s.payment_id = v_payment.id and s.status = 'succeeded'
      order by s.finished_at desc, s.id limit 1);
end
$$;
