-- fail_refund: the money did not go, or came back to us. Tickets that waited for it are the buyer's again; ones that had gone
-- stay gone, and their money, like a payment's that was to be returned, is sent again; what a person sent at the provider is
-- that person's to send again.
create or replace function ticketing.fail_refund(p_refund ticketing.refunds, p_error text) returns ticketing.refunds
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments;
  v_cause text := 'refund:' || p_refund.id;
  v_was_sent boolean := p_refund.status = 'succeeded';
begin
  perform ticketing.lock_order_tickets(p_refund.order_id);
  select * into v_payment from ticketing.payments p where p.id = p_refund.payment_id;
  -- The opposite of all that was booked for it. It fails once, or once more where it was refused and yet had gone.
  perform ticketing.book(p_refund.order_id, p_refund.currency,
      v_cause || case when bool_or(b.has_failed) then ':failed again' else ':failed' end,
      array_agg(b.account), array_agg(b.amount))
    from (
      select e.account, -sum(e.amount_cents)::bigint as amount, bool_or(e.cause = v_cause || ':failed') as has_failed
      from ticketing.ledger_entries e
      where e.order_id = p_refund.order_id and starts_with(e.cause, v_cause) group by e.account) b
    having count(*) > 0;
  perform ticketing.level_sales(p_refund);
  update ticketing.refunds r set status = 'failed', ask_at = null, last_error = left(p_error, 1000),
      finished_at = clock_timestamp(), goodwill_cents = case when not v_was_sent then 0
        when v_payment.status = 'kept' then r.goodwill_cents - r.amount_cents else r.goodwill_cents end
    where r.id = p_refund.id returning * into p_refund;
  if not v_was_sent then
    perform ticketing.give_back_tickets(p_refund.ticket_ids);
  end if;
  perform ticketing.void_returned(v_payment);
  if v_payment.status = 'returned' then
    perform ticketing.queue_return(v_payment.id);
  elsif v_was_sent and p_refund.cause <> 'dashboard' then
    perform ticketing.queue_again(p_refund, v_payment);
  end if;
  perform ticketing.note_refunds(p_refund.order_id);
  return p_refund;
end
$$;

-- level_sales: what a person sent back while this refund held its part came out of the fees for want of tickets; that is put
-- right when the part is free again.
create or replace function ticketing.level_sales(p_refund ticketing.refunds) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_part bigint;
begin
  select least(coalesce(sum(e.amount_cents) filter (where e.account = 'fees'), 0),
      -coalesce(sum(e.amount_cents) filter (where e.account = 'tickets'), 0))
    into v_part from ticketing.ledger_entries e where e.order_id = p_refund.order_id and e.currency = p_refund.currency;
  if v_part > 0 then
    perform ticketing.book(p_refund.order_id, p_refund.currency, 'level:' || p_refund.id, '{tickets,fees}',
      array[v_part, -v_part]);
  end if;
end
$$;
