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
  elsif not ticketing.has_room(p_order_id) then
    return ticketing.refused('INSUFFICIENT_TICKETS');
  end if;
  -- A hold past its end is the order's as long as nobody ended it. `is not distinct from`: else the planner takes the index of
  -- all living holds while the table is not analyzed.
  update public.ticket_holds set status = 'converted', ended_at = clock_timestamp()
    where order_id = p_order_id and status is not distinct from 'active';
  insert into public.tickets (event_id, tier_id, order_id, order_item_id, ordinal)
    select i.event_id, i.tier_id, i.order_id, i.id, n
    from public.order_items i, generate_series(1, i.quantity) n
    where i.order_id = p_order_id order by i.tier_id, n
    on conflict do nothing;
  if not found then
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

-- has_room: whether every tier has room for what the order has of it, its own holds included. Judged before anything is
-- written, so that no write has to be undone. A tier that seems full ends its due holds first.
-- Locks:  tiers, ascending id; until the transaction's end, so the answer stays true.
-- Writes: ticket_holds (due ones); the counters follow by trigger.
create or replace function ticketing.has_room(p_order_id uuid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_item record;
  v_now timestamptz;
begin
  perform ticketing.lock_tiers(array(select i.tier_id from public.order_items i where i.order_id = p_order_id));
  v_now := clock_timestamp();
  for v_item in select i.tier_id, i.quantity from public.order_items i where i.order_id = p_order_id order by i.tier_id loop
    if ticketing.room_for(p_order_id, v_item.tier_id) < v_item.quantity then
      if not ticketing.make_room(v_item.tier_id, v_now)
          or ticketing.room_for(p_order_id, v_item.tier_id) < v_item.quantity then
        return false;
      end if;
    end if;
  end loop;
  return true;
end
$$;

-- room_for: how many of a tier an order could get now: what is left, and what it holds itself.
create or replace function ticketing.room_for(p_order_id uuid, p_tier_id uuid) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return (select t.total_quantity - t.sold_quantity - t.reserved_quantity from public.ticket_tiers t where t.id = p_tier_id)
    + (select coalesce(sum(h.quantity), 0) from public.ticket_holds h
       where h.order_id = p_order_id and (h.tier_id = p_tier_id) is true and h.status is not distinct from 'active');
end
$$;

create or replace function ticketing.lock_order(p_order_id uuid) returns public.orders
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders;
begin
  if p_order_id is not null then
    perform ticketing.lock_key('order:' || p_order_id);
    perform ticketing.limit_wait();
    select * into v_order from public.orders where id = p_order_id for no key update;
  end if;
  return v_order;
end
$$;

create or replace function ticketing.issued_tickets(p_order_id uuid, p_already_issued boolean) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('success', true, 'already_issued', p_already_issued, 'tickets', coalesce(
      jsonb_agg(jsonb_build_object('id', t.id, 'tier_id', t.tier_id, 'qr_code', t.qr_code)
        order by t.tier_id, t.ordinal), '[]'))
    from public.tickets t
    where t.event_id = (select o.event_id from public.orders o where o.id = p_order_id) and t.order_id = p_order_id);
end
$$;

-- claim_order_ticketing: true for the one caller that may issue the order's tickets now. A claim whose transaction ended
-- without tickets lapses after a minute, so that a crash strands no order; issuing is idempotent by itself.
-- Locks:  the order.
-- Writes: orders.
create or replace function ticketing.claim_order_ticketing(p_order_id uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
  v_now timestamptz;
begin
  v_order := ticketing.lock_order(p_order_id);
  v_now := clock_timestamp();
  if v_order.id is null or v_order.status <> 'paid' or v_order.tickets_issued_at is not null
      or v_order.ticketing_claimed_at > v_now - interval '1 minute' then
    return false;
  end if;
  update public.orders set ticketing_claimed_at = v_now where id = p_order_id;
  return true;
exception when lock_not_available or deadlock_detected then
  return false;
end
$$;
