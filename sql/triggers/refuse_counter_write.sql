-- refuse_counter_write: the counters move by trigger only. A statement of anybody's own, the owner's too, that writes one is
-- refused; inside a counting trigger pg_trigger_depth() is 1.
create or replace function ticketing.refuse_counter_write() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'the counters of % move by trigger only', tg_table_name
    using errcode = '42501', hint = 'Write the rows they count: ticket_holds, tickets, offer_claims, reservations.';
end
$$;

create or replace trigger trg_guard_counters before update of sold_quantity, reserved_quantity on public.ticket_tiers
  for each row when (pg_trigger_depth() = 0 and (new.sold_quantity <> old.sold_quantity
                     or new.reserved_quantity <> old.reserved_quantity))
  execute function ticketing.refuse_counter_write();
create or replace trigger trg_guard_counters_ins before insert on public.ticket_tiers
  for each row when (new.sold_quantity <> 0 or new.reserved_quantity <> 0)
  execute function ticketing.refuse_counter_write();
create or replace trigger trg_guard_counters before update of claimed_people on public.discounts
  for each row when (pg_trigger_depth() = 0 and new.claimed_people <> old.claimed_people)
  execute function ticketing.refuse_counter_write();
create or replace trigger trg_guard_counters_ins before insert on public.discounts
  for each row when (new.claimed_people <> 0)
  execute function ticketing.refuse_counter_write();
-- A slot's evening begins and ends by trigger too: with its first booking, and with its slot.
create or replace trigger trg_guard_counters before update of booked_people on ticketing.slot_days
  for each row when (pg_trigger_depth() = 0 and new.booked_people <> old.booked_people)
  execute function ticketing.refuse_counter_write();
create or replace trigger trg_guard_counters_ins before insert on ticketing.slot_days
  for each row when (pg_trigger_depth() = 0 and new.booked_people <> 0)
  execute function ticketing.refuse_counter_write();
create or replace trigger trg_guard_counters_del before delete on ticketing.slot_days
  for each row when (pg_trigger_depth() = 0 and old.booked_people <> 0)
  execute function ticketing.refuse_counter_write();
