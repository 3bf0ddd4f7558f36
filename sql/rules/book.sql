-- book: write one transaction of the books: amounts moved between accounts of one order, which sum to zero. The only writer of
-- ledger_entries. Zero amounts are left out; a cause that is booked already is not booked again.
--   captured  what the provider took (positive)       pending  captured, and its end is not final
--   tickets, fees, refunds, disputed                  where it ended (negative)
-- Errors: 23514 where the amounts do not sum to zero; that is a bug of the caller.
-- Writes: ledger_entries. The caller has the order's lock.
create or replace function ticketing.book(
  p_order_id uuid, p_currency text, p_cause text, p_accounts text[], p_amounts bigint[]) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_transaction_id uuid := ticketing.uuid_v7();
begin
  if (select sum(a) from unnest(p_amounts) a) is distinct from 0 then
    raise exception 'the amounts of % do not sum to zero: % %', p_cause, p_accounts, p_amounts
      using errcode = '23514', constraint = 'book';
  end if;
  insert into ticketing.ledger_entries (transaction_id, account, order_id, event_id, amount_cents, currency, cause)
    select v_transaction_id, e.account, o.id, o.event_id, e.amount, p_currency, p_cause
    from public.orders o, unnest(p_accounts, p_amounts) e(account, amount)
    where o.id = p_order_id and e.amount <> 0
    on conflict do nothing;
  return found;
end
$$;

-- from_sales: how an amount that leaves the sales of an order divides: of tickets at most p_tickets_cents and what is there,
-- the rest of fees.
create or replace function ticketing.from_sales(
  p_order_id uuid, p_currency text, p_amount bigint, p_tickets_cents bigint, out tickets bigint, out fees bigint)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  tickets := least(p_amount, p_tickets_cents, greatest(0, -coalesce((
    select sum(e.amount_cents) from ticketing.ledger_entries e
    where e.order_id = p_order_id and e.account = 'tickets' and e.currency = p_currency), 0)));
  fees := p_amount - tickets;
end
$$;
