-- void_tickets: take tickets out of use without moving money, some (p_ticket_ids) or all that were not scanned (null): a dispute
-- that was lost, fraud, the rules of the house. The gate refuses them from here on; what they cost stays sold. With p_free_places
-- their places are for sale again (`cancelled`), without it they stay taken (`void`).
--
-- Answers, first that applies:
--   INVALID_REQUEST   no order, an empty list, no reason or one of more than 500 characters
--   ORDER_NOT_FOUND   also for those who do not work for the event's business: they learn nothing
--   FORBIDDEN         the door's staff: owners and managers void
--   ORDER_NOT_PAID    no ticket was issued
--   TICKET_NOT_FOUND  one of them is not of this order; nothing changes
--   TICKET_USED       one that was named was scanned; nothing changes
--   ALREADY_VOID      none of them is valid
--   LOCK_TIMEOUT
--   success           {success: true, order_id, order_status, ticket_ids, places_free}
-- Locks:  order, tiers, ascending id, tickets by id: a scan beside it is before or after.
-- Writes: tickets, voids, orders; counters by trigger.
create or replace function ticketing.void_tickets(
  p_order_id uuid, p_ticket_ids uuid[] default null, p_reason text default null, p_free_places boolean default false) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_order public.orders;
  v_refusal text := ticketing.order_manager_refusal(p_order_id);
  v_free boolean := coalesce(p_free_places, false);
  v_asked record;
  v_ids uuid[];
  v_void_id uuid;
begin
  if p_order_id is null or cardinality(p_ticket_ids) = 0 or coalesce(length(p_reason), 0) not between 1 and 500 then
    return ticketing.refused('INVALID_REQUEST',
      'An order and a reason are needed; a list of tickets is not empty, a reason is not longer than 500.');
  elsif v_refusal is not null then
    return ticketing.refused(v_refusal);
  end if;
  v_order := ticketing.lock_order(p_order_id);
  if v_order.tickets_issued_at is null then
    return ticketing.refused('ORDER_NOT_PAID');
  end if;
  perform ticketing.lock_order_tiers(p_order_id);
  v_asked := ticketing.lock_tickets(v_order, p_ticket_ids);
  if v_asked.unknown > 0 then
    return ticketing.refused('TICKET_NOT_FOUND');
  elsif v_asked.used > 0 and p_ticket_ids is not null then
    return ticketing.refused('TICKET_USED', 'This ticket was scanned: who holds it is in.');
  end if;

  with voided as (
    update public.tickets t set status = case when v_free then 'cancelled' else 'void' end
      where t.id = any (v_asked.ids) and t.status = 'valid' returning t.id)
  select coalesce(array_agg(v.id order by v.id), '{}') into v_ids from voided v;
  if cardinality(v_ids) = 0 then
    return ticketing.refused('ALREADY_VOID');
  end if;
  insert into ticketing.voids (order_id, event_id, ticket_ids, reason, places_free, requested_by)
    values (p_order_id, v_order.event_id, v_ids, p_reason, v_free, (ticketing.caller()).user_id) returning id into v_void_id;
  perform ticketing.settle_order(p_order_id, 'void:' || v_void_id);
  return jsonb_build_object('success', true, 'order_id', p_order_id, 'ticket_ids', to_jsonb(v_ids), 'places_free', v_free,
    'order_status', (select o.status from public.orders o where o.id = p_order_id));
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
