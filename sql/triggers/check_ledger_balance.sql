-- check_ledger_balance: refuses a commit (deferred constraint trigger) while a transaction of the books does not sum to zero,
-- however it came there. Shares nothing with check_ledger_statement.
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
