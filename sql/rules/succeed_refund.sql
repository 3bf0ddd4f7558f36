-- succeed_refund: the money went. Ours takes its tickets with it; what a person sent back at the provider takes none, but
-- all that were not scanned once the whole payment is back.
create or replace function ticketing.succeed_refund(p_refund ticketing.refunds) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments;
  v_part record;
  v_accounts text[] := '{pending,refunds}';
  v_amounts bigint[] := array[p_refund.amount_cents, -p_refund.amount_cents];
  v_goodwill bigint := p_refund.goodwill_cents;
begin
  perform ticketing.lock_order_tickets(p_refund.order_id);
  select * into v_payment from ticketing.payments p where p.id = p_refund.payment_id;
  if p_refund.cause = 'dashboard' and v_payment.status = 'kept' then
    v_part := ticketing.from_sales(p_refund.order_id, p_refund.currency, p_refund.amount_cents, p_refund.amount_cents);
    v_accounts := '{tickets,fees,refunds}';
    v_amounts := array[v_part.tickets, v_part.fees, -p_refund.amount_cents];
    v_goodwill := p_refund.amount_cents;
  end if;
  perform ticketing.book(p_refund.order_id, p_refund.currency, 'refund:' || p_refund.id || ':succeeded', v_accounts, v_amounts);
  update ticketing.refunds r set status = 'succeeded', goodwill_cents = v_goodwill, ask_at = null, last_error = null,
      finished_at = clock_timestamp() where r.id = p_refund.id;
  update public.tickets t set status = 'refunded' where t.id = any (p_refund.ticket_ids) and t.status = 'refunding';
  perform ticketing.void_returned(v_payment);
  perform ticketing.note_refunds(p_refund.order_id);
end
$$;
