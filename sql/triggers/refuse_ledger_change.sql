-- refuse_ledger_change: the books are append-only: a mistake is mended by another transaction. Whole transactions may be deleted
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

create or replace trigger trg_ledger_append_only after update on ticketing.ledger_entries
  referencing old table as old_rows for each statement execute function ticketing.refuse_ledger_change();
create or replace trigger trg_ledger_append_only_del after delete on ticketing.ledger_entries
  referencing old table as old_rows for each statement execute function ticketing.refuse_ledger_change();
