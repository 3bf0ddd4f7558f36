-- fail_refund: the money did not go, or came back to us. Tickets that waited for it are the buyer's again; ones that had gone
-- stay gone, and their money is owed: settle_order sends it again, whoever sent it first.
create or replace function ticketing.fail_refund(p_refund ticketing.refunds, p_error text) returns ticketing.refunds
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_was_sent boolean := p_refund.status = 'succeeded';
begin
  perform ticketing.lock_order_tickets(p_refund.order_id);
  update ticketing.refunds r set status = 'failed', ask_at = null, last_error = left(p_error, 1000),
      finished_at = clock_timestamp() where r.id = p_refund.id returning * into p_refund;
  if not v_was_sent then
    -- Not those whose money another refund sends: one that we believed refused, before they were asked for again.
    perform ticketing.give_back_tickets(array(select k.id from unnest(p_refund.ticket_ids) k(id) where not exists (
      select from ticketing.refunds r where r.order_id = p_refund.order_id and r.status <> 'failed' and k.id = any (r.ticket_ids))));
  end if;
  perform ticketing.void_returned(p_refund.payment_id);
  perform ticketing.settle_order(p_refund.order_id, 'refund:' || p_refund.id || ':failed');
  return p_refund;
end
$$;
