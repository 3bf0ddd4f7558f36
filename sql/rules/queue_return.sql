-- queue_return: the refund that sends back what is left of a returned payment. At most one lives, by its unique index too. One
-- that failed is followed by another, with a key of its own, an hour later; after ten the law shows what is left.
-- Writes: refunds. The job sends it.
create or replace function ticketing.queue_return(p_payment_id text) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause, ask_at)
    select p.id, p.order_id, p.event_id, l.amount, p.currency, p.reason,
      clock_timestamp() + case when l.failed > 0 then interval '1 hour' else interval '0' end
    from ticketing.payments p
    cross join lateral (
      select p.amount_cents - coalesce(sum(r.amount_cents) filter (where r.status <> 'failed'), 0)
          - (select coalesce(sum(d.amount_cents), 0) from ticketing.disputes d
             where d.payment_id = p.id and d.status <> 'won') as amount,
        count(*) filter (where r.status = 'failed') as failed
      from ticketing.refunds r where r.payment_id = p.id) l
    where p.id = p_payment_id and p.status = 'returned' and l.amount > 0 and l.failed < 10
    on conflict do nothing
$$;

-- queue_again: a refund of tickets had gone and came back: the tickets are void, so its money is sent again, an hour later.
-- Writes: refunds, ledger_entries.
create or replace function ticketing.queue_again(p_refund ticketing.refunds, p_payment ticketing.payments) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_amount bigint := least(p_refund.amount_cents, ticketing.left_to_refund(p_payment));
  v_part record;
  v_id uuid;
begin
  if v_amount <= 0 or 10 <= (select count(*) from ticketing.refunds r where r.payment_id = p_payment.id and r.status = 'failed') then
    return;
  end if;
  v_part := ticketing.from_sales(p_refund.order_id, p_refund.currency, v_amount, v_amount);
  insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, goodwill_cents, ticket_ids, cause, note,
      requested_by, ask_at)
    values (p_payment.id, p_refund.order_id, p_refund.event_id, v_amount, p_refund.currency, v_amount, p_refund.ticket_ids,
      p_refund.cause, p_refund.note, p_refund.requested_by, clock_timestamp() + interval '1 hour')
    returning id into v_id;
  perform ticketing.book(p_refund.order_id, p_refund.currency, 'refund:' || v_id, '{tickets,fees,pending}',
    array[v_part.tickets, v_part.fees, -v_amount]);
end
$$;
