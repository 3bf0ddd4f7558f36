-- check_ledger_statement: refuses an INSERT into the books that is no whole transaction which sums to zero. Raw ones too.
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

create or replace trigger trg_check_ledger_statement after insert on ticketing.ledger_entries
  referencing new table as new_rows for each statement execute function ticketing.check_ledger_statement();
