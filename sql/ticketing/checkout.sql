-- checkout: a cart becomes an order. Free carts get their tickets at once, in the same transaction.
--
-- p_request = {endpoint, event: id or slug, items: [{tier: id or slug, quantity}], customer_name, customer_email,
--              idempotency_key, fingerprint}
-- Answers, first that applies:
--   INVALID_REQUEST         no name, no e-mail address, a key that is empty or longer than 255
--   success, replayed       same key, same request: what the first call won
--   IDEMPOTENCY_KEY_REUSED  the caller used the key before, for another request
--   EVENT_NOT_FOUND
--   INVALID_REQUEST         no list of 1 to 50 items, each with a tier
--   INVALID_QUANTITY        a quantity (summed per tier) that is no whole number from 1 to 1000
--   TIER_NOT_FOUND
--   PAYMENT_UNAVAILABLE     the cart costs something
--   TIER_INACTIVE, EVENT_ENDED, SALE_NOT_OPEN, LIMIT_EXCEEDED, INSUFFICIENT_TICKETS, LOCK_TIMEOUT
--   success                 {success: true, order_id, is_free, session_id, tickets, total_cents, currency, replayed}
-- A refusal is never kept under the key: sold out is judged anew.
-- Locks:  idempotency key, order (new), tiers, ascending id.
-- Writes: ticket_holds, orders, order_items, tickets, idempotency_keys; the counters follow by trigger.
create or replace function ticketing.checkout(p_request jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_key text := p_request ->> 'idempotency_key';
  v_fingerprint text;
  v_caller record := ticketing.caller();
  v_caller_name text := coalesce('user:' || v_caller.user_id, case when v_caller.is_trusted then 'service' else 'guest' end);
  v_kept public.idempotency_keys;
  v_event_id uuid;
  v_cart record;
  v_price record;
  v_answer jsonb;
begin
  if length(v_key) not between 1 and 255
      or coalesce(length(p_request ->> 'customer_name'), 0) not between 1 and 200
      or coalesce(length(p_request ->> 'customer_email'), 0) not between 3 and 320
      or p_request ->> 'customer_email' !~ '^[^@\s]+@[^@\s]+$' then
    return ticketing.refused_cart('INVALID_REQUEST', 'A name, an e-mail address and 1 to 50 items are needed.');
  end if;
  if v_key is not null then
    -- What makes two requests the same; all of the request where the caller does not say.
    v_fingerprint := coalesce(p_request ->> 'fingerprint', md5((p_request - 'idempotency_key')::text));
    perform ticketing.lock_key('key:' || v_caller_name || ':' || v_key);
    select * into v_kept from public.idempotency_keys k where k.caller = v_caller_name and k.key = v_key;
    if v_kept.fingerprint = v_fingerprint then
      return v_kept.answer || '{"replayed": true}';
    elsif v_kept.key is not null then
      return ticketing.refused_cart('IDEMPOTENCY_KEY_REUSED');
    end if;
  end if;

  v_event_id := ticketing.find_event(p_request ->> 'event');
  if v_event_id is null then
    return ticketing.refused_cart('EVENT_NOT_FOUND');
  end if;
  v_cart := ticketing.read_cart(ticketing.find_tiers(v_event_id, p_request -> 'items'));
  if v_cart.refusal is not null then
    return ticketing.refused_cart(v_cart.refusal,
      case v_cart.refusal when 'INVALID_REQUEST' then '1 to 50 items are needed, each with a tier and a quantity.' end);
  end if;
  select count(*) as tiers, sum(t.price_cents::bigint * c.quantity) as total_cents, min(t.currency) as currency into v_price
    from unnest(v_cart.tier_ids, v_cart.quantities) c(tier_id, quantity)
    join public.ticket_tiers t on t.event_id = v_event_id and t.id = c.tier_id;
  if v_price.tiers < cardinality(v_cart.tier_ids) then
    return ticketing.refused_cart('TIER_NOT_FOUND');
  elsif v_price.total_cents > 0 then
    return ticketing.refused_cart('PAYMENT_UNAVAILABLE');
  end if;

  v_answer := ticketing.hold_tiers(null, v_caller.user_id, v_cart.tier_ids, v_cart.quantities, 15);
  if (v_answer ->> 'success')::boolean then
    v_answer := ticketing.place_free_order(v_event_id, v_cart.tier_ids, v_cart.quantities, v_caller.user_id,
      v_answer, v_price.currency, p_request, v_caller_name || ':' || v_key);
    if v_key is not null then
      insert into public.idempotency_keys (caller, key, fingerprint, answer)
        values (v_caller_name, v_key, v_fingerprint, v_answer);
    end if;
  end if;
  return v_answer;
exception
  -- A protection behind the tickets refused: the block is undone, order and holds with it.
  when check_violation then
    return ticketing.refused_cart('INSUFFICIENT_TICKETS');
  -- The key's protections: above READ COMMITTED the winner's row may be there and yet not be seen.
  when unique_violation then
    if current_setting('transaction_isolation') <> 'read committed' then
      raise exception 'could not serialize access: the idempotency key was just used'
        using errcode = '40001', hint = 'Retry the transaction, after a short random wait.';
    end if;
    return ticketing.refused_cart('IDEMPOTENCY_KEY_REUSED');
  when lock_not_available or deadlock_detected then
    return ticketing.refused_cart('LOCK_TIMEOUT');
end
$$;

-- place_free_order: the order for a session's holds, paid as it is free, and its tickets.
create or replace function ticketing.place_free_order(
  p_event_id uuid, p_tier_ids uuid[], p_quantities integer[], p_user_id uuid, p_holds jsonb, p_currency text,
  p_request jsonb, p_request_key text
) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order_id uuid;
  v_issued jsonb;
begin
  insert into public.orders
      (event_id, user_id, session_id, status, currency, total_cents, customer_email, customer_name, request_key, paid_at)
    values (p_event_id, p_user_id, p_holds ->> 'session_id', 'paid', p_currency, 0,
      p_request ->> 'customer_email', p_request ->> 'customer_name', p_request_key, clock_timestamp())
    returning id into v_order_id;
  insert into public.order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
    select v_order_id, p_event_id, c.tier_id, c.quantity, 0
    from unnest(p_tier_ids, p_quantities) c(tier_id, quantity);
  update public.ticket_holds h set order_id = v_order_id
    where h.session_id = p_holds ->> 'session_id' and h.status = 'active' and (h.tier_id = any (p_tier_ids)) is true;
  v_issued := ticketing.issue_order_tickets(v_order_id);
  if not (v_issued ->> 'success')::boolean then
    raise exception 'order % has its holds and yet no tickets: %', v_order_id, v_issued
      using errcode = case v_issued ->> 'error' when 'LOCK_TIMEOUT' then '55P03' else '23514' end;
  end if;
  return jsonb_build_object('success', true, 'order_id', v_order_id, 'is_free', true,
    'session_id', p_holds -> 'session_id', 'tickets', v_issued -> 'tickets', 'total_cents', 0, 'currency', p_currency, 'replayed', false);
end
$$;

-- find_event, find_tiers: an event or a tier may be named by its slug, a tier's within its event.
create or replace function ticketing.find_event(p_name text) returns uuid
language sql stable set search_path = pg_catalog, pg_temp as $$
  select e.id from public.events e
  where e.id = case when ticketing.is_uuid(p_name) then p_name::uuid end
     or e.slug = case when not ticketing.is_uuid(p_name) then p_name end
$$;

-- find_tiers: the items as [{tier_id, quantity}]; a slug that is unknown becomes an id that no tier has.
create or replace function ticketing.find_tiers(p_event_id uuid, p_items jsonb) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case when jsonb_typeof(p_items) = 'array' then (
    select jsonb_agg(jsonb_build_object('quantity', i.item -> 'quantity', 'tier_id', case
        when ticketing.is_uuid(i.item ->> 'tier') or i.item ->> 'tier' is null then i.item ->> 'tier'
        else coalesce((select t.id from public.ticket_tiers t where t.event_id = p_event_id and t.slug = i.item ->> 'tier'),
          '00000000-0000-0000-0000-000000000000')::text end) order by i.position)
    from jsonb_array_elements(p_items) with ordinality as i(item, position)) end
$$;
