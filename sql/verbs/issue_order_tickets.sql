-- issue_order_tickets: turn a paid order into its tickets, once, however often and by however many it is asked.
--
-- Answers, first that applies:
--   ORDER_NOT_FOUND       no such order
--   success, already_issued: true   the tickets that were issued before
--   ORDER_NOT_PAID        the order is not paid: it costs something, and no payment is kept for it
--   INSUFFICIENT_TICKETS  its holds had lapsed and too few are left; nothing was issued
--   LOCK_TIMEOUT          busy for five seconds; try again
--   success               {success: true, already_issued, tickets: [{id, tier_id, qr_code}]}
-- Locks:  order, then tiers, ascending id.
-- Writes: ticket_holds (converted first, so that a full tier has the room), tickets, orders, ledger_entries; counters by
--         trigger.
create or replace function ticketing.issue_order_tickets(p_order_id uuid) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
begin
  v_order := ticketing.lock_order(p_order_id);
  if v_order.id is null then
    return ticketing.refused('ORDER_NOT_FOUND');
  elsif v_order.tickets_issued_at is not null then
    return ticketing.issued_tickets(p_order_id, true);
  elsif v_order.status <> 'paid' or v_order.total_cents > 0 and not exists (
      select from ticketing.payments p where p.order_id = p_order_id and p.status = 'kept') then
    return ticketing.refused('ORDER_NOT_PAID');
  elsif not ticketing.lock_room(p_order_id) then
    return ticketing.refused('INSUFFICIENT_TICKETS');
  end if;
  if not ticketing.write_tickets(array[p_order_id]) then
    -- The unique ordinals know that somebody else has issued them.
    return ticketing.issued_tickets(p_order_id, true);
  end if;
  update public.orders set tickets_issued_at = clock_timestamp() where id = p_order_id;
  perform ticketing.book(p_order_id, v_order.currency, 'issue:' || p_order_id, '{pending,tickets,fees}',
    array[v_order.total_cents, -v_order.subtotal_cents, -v_order.fees_cents]);
  return ticketing.issued_tickets(p_order_id, false);
exception
  -- A protection behind this function refused: the block is undone as a whole.
  when check_violation then
    return ticketing.refused('INSUFFICIENT_TICKETS');
  when lock_not_available or deadlock_detected then
    return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- write_tickets: batch insert: the tickets of orders for the holds that they have; whether there were any to write.
-- Writes: ticket_holds (converted first, so that a full tier has the room), tickets; counters by trigger.
create or replace function ticketing.write_tickets(p_order_ids uuid[]) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- A hold past its end is the order's as long as nobody ended it. `is not distinct from`: else the planner takes the index of
  -- all living holds while the table is not analyzed.
  update public.ticket_holds set status = 'converted', ended_at = clock_timestamp()
    where order_id = any (p_order_ids) and status is not distinct from 'active';
  insert into public.tickets (event_id, tier_id, order_id, order_item_id, ordinal)
    select i.event_id, i.tier_id, i.order_id, i.id, n
    from public.order_items i, generate_series(1, i.quantity) n
    where i.order_id = any (p_order_ids) order by i.order_id, i.tier_id, n
    on conflict do nothing;
  return found;
end
$$;
