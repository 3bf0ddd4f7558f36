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

-- Refusing, statement by statement: one INSERT carries a whole transaction, and it sums to zero. Raw ones too.
create or replace function ticketing.check_ledger_statement() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_wrong uuid;
begin
  select n.transaction_id into v_wrong from new_rows n group by n.transaction_id
    having sum(n.amount_cents) <> 0
      or count(*) <> (select count(*) from ticketing.ledger_entries e where e.transaction_id = n.transaction_id) limit 1;
  if found then
    raise exception 'transaction % is not whole: one INSERT has all its entries, and they sum to zero', v_wrong
      using errcode = '23514', constraint = tg_name;
  end if;
  return null;
end
$$;

-- Refusing, at the commit: what stands in the books sums to zero, however it came there. Shares nothing with the other.
-- A definer: before PostgreSQL 18 a deferred trigger runs as whoever commits, who may not read the books.
create or replace function ticketing.check_ledger_balance() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_sum bigint := (select coalesce(sum(e.amount_cents), 0) from ticketing.ledger_entries e
    where e.transaction_id = new.transaction_id);
begin
  if v_sum <> 0 then
    raise exception 'transaction % sums to %, not to zero', new.transaction_id, v_sum
      using errcode = '23514', constraint = tg_name;
  end if;
  return null;
end
$$;

-- Guarding: what is booked stays as it is; a mistake is mended by another transaction. Whole transactions may be deleted
-- with their order.
create or replace function ticketing.refuse_ledger_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' and not exists (
      select from ticketing.ledger_entries e where e.transaction_id in (select o.transaction_id from old_rows o)) then
    return null;
  elsif tg_op = 'UPDATE' and not exists (select from old_rows) then
    return null;
  end if;
  raise exception 'the books are only added to' using errcode = '42501',
    hint = 'Book the opposite; delete none but all entries of a transaction.';
end
$$;

create or replace trigger trg_check_ledger_statement after insert on ticketing.ledger_entries
  referencing new table as new_rows for each statement execute function ticketing.check_ledger_statement();
create or replace trigger trg_ledger_append_only after update on ticketing.ledger_entries
  referencing old table as old_rows for each statement execute function ticketing.refuse_ledger_change();
create or replace trigger trg_ledger_append_only_del after delete on ticketing.ledger_entries
  referencing old table as old_rows for each statement execute function ticketing.refuse_ledger_change();
create or replace trigger trg_refuse_truncate before truncate on ticketing.ledger_entries
  for each statement execute function ticketing.refuse_truncate();
create or replace trigger trg_refuse_truncate before truncate on ticketing.payments
  for each statement execute function ticketing.refuse_truncate();

-- A constraint trigger cannot be replaced, only made.
do $$
begin
  if not exists (select from pg_trigger t where t.tgrelid = 'ticketing.ledger_entries'::regclass
      and t.tgname = 'trg_check_ledger_balance') then
    create constraint trigger trg_check_ledger_balance after insert or update on ticketing.ledger_entries
      deferrable initially deferred for each row execute function ticketing.check_ledger_balance();
  end if;
end
$$;
