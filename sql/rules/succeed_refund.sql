-- succeed_refund: the money went. Ours takes its tickets with it; what a person sent back at the provider takes none, but
-- all that were not scanned once the whole payment is back.
create or replace function ticketing.succeed_refund(p_refund ticketing.refunds) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.lock_order_tickets(p_refund.order_id);
  update ticketing.refunds r set status = 'succeeded', ask_at = null, last_error = null, finished_at = clock_timestamp()
    where r.id = p_refund.id;
  update public.tickets t set status = 'refunded' where t.id = any (p_refund.ticket_ids) and t.status = 'refunding';
  perform ticketing.void_returned(p_refund.payment_id);
  perform ticketing.settle_order(p_refund.order_id, 'refund:' || p_refund.id || ':succeeded');
end
$$;
