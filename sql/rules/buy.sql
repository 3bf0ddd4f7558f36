-- buy: what checkout answers to a caller, whoever passes the call on.
--
-- Answers as the verb does. p_is_batched: the caller has tiers' locks and goes on to others, so that what waits for a key or an order
-- is not for it: null, and nothing was done, where the key was used before, or is in use.
-- Locks:  idempotency key, the orders that it made before, tiers, ascending id; then the new order, which nobody else can know.
-- Writes: as the verb.
create or replace function ticketing.buy(p_caller record, p_request jsonb, p_is_batched boolean) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_key text := p_request ->> 'idempotency_key';
  v_problem text := ticketing.request_problem(p_request);
  v_event_id uuid;
  v_use record;
  v_kept public.idempotency_keys;
  v_cart record;
  v_answer jsonb;
  v_holds jsonb;
  v_order_id uuid;
begin
  if v_problem is not null then
    return ticketing.refused_cart('INVALID_REQUEST', v_problem);
  end if;
  v_event_id := ticketing.find_event(p_request ->> 'event');
  v_use := ticketing.key_use(p_caller, p_request, v_event_id);
  if v_key is not null then
    if p_is_batched then
      if not ticketing.take_new_key(v_use, v_key) then
        return null;
      end if;
    else
      perform ticketing.lock_key('key:' || v_use.request_key);
      select * into v_kept from public.idempotency_keys k
        where k.caller = v_use.caller_name and k.key = v_key and k.business_id = coalesce(v_use.business_id, k.business_id);
    end if;
    if v_kept.key is not null then
      if v_kept.fingerprint <> v_use.fingerprint then
        return ticketing.refused_cart('IDEMPOTENCY_KEY_REUSED');
      end if;
      v_answer := ticketing.repeat_order((v_kept.answer ->> 'order_id')::uuid, p_request, v_use.caller_name = 'guest');
      if v_answer is not null then
        return v_answer;
      end if;
      delete from public.idempotency_keys k
        where k.caller = v_use.caller_name and k.key = v_key and k.business_id = v_kept.business_id;
    elsif ticketing.is_key_of_others(v_use.request_key) then
      return ticketing.refused_cart('IDEMPOTENCY_KEY_REUSED');
    end if;
  end if;

  v_cart := ticketing.price_cart(p_request, v_event_id);
  if v_cart.refusal is not null then
    return ticketing.refused_cart(v_cart.refusal, v_cart.message) || v_cart.more;
  end if;
  v_holds := ticketing.hold_cart(p_caller, p_request, v_cart);
  if not (v_holds ->> 'success')::boolean then
    return v_holds;
  end if;
  v_order_id := ticketing.place_order(p_request, v_cart, v_holds ->> 'session_id', p_caller.user_id, v_use.request_key);
  if v_key is not null then
    insert into public.idempotency_keys (caller, key, event_id, business_id, fingerprint, answer)
      values (v_use.caller_name, v_key, v_event_id, v_use.business_id, v_use.fingerprint, jsonb_build_object('order_id', v_order_id));
  end if;
  return ticketing.order_answer(v_order_id, p_request) || '{"replayed": false}';
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

-- key_use: what a request's idempotency key stands for; request_key is null where there is none.
--   caller_name  whose it is: a guest's is of what the request names, or where it came from, as another guest must not be answered with
--                the first one's tickets
--   business_id  null for an event that there is not: then any key that the caller used is this one
--   fingerprint  what makes two requests the same; all of the request where the caller does not say
create or replace function ticketing.key_use(
  p_caller record, p_request jsonb, p_event_id uuid,
  out caller_name text, out business_id uuid, out request_key text, out fingerprint text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  caller_name := coalesce('user:' || p_caller.user_id, case when p_caller.is_trusted then 'service'
    else concat_ws(':', 'guest', md5(coalesce(p_request ->> 'session_id', lower(p_request ->> 'customer_email'),
      'at ' || (p_request ->> 'client_address')))) end);
  select e.business_id into business_id from public.events e where e.id = p_event_id;
  if p_request ->> 'idempotency_key' is not null then
    request_key := concat_ws(':', business_id, caller_name, p_request ->> 'idempotency_key');
  end if;
  fingerprint := coalesce(p_request ->> 'fingerprint', md5((p_request - 'idempotency_key' - 'client_address')::text));
end
$$;

-- take_new_key: try-lock: whether a key is new, and ours from here on. The caller goes on to locks of tiers, or has them, and waits
-- for no key.
create or replace function ticketing.take_new_key(p_use record, p_key text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock(hashtextextended('key:' || p_use.request_key, 0)) then
    return false;
  end if;
  return not exists (select from public.idempotency_keys k
    where k.caller = p_use.caller_name and k.key = p_key and k.business_id = coalesce(p_use.business_id, k.business_id));
end
$$;

-- is_key_of_others: whether a claim or a booking was made under the key of an order.
create or replace function ticketing.is_key_of_others(p_request_key text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return exists (select from public.offer_claims c where c.request_key = p_request_key
    union all select from public.reservations r where r.request_key = p_request_key);
end
$$;

-- request_problem: why a request cannot be one, before anything is looked up; null where it can.
create or replace function ticketing.request_problem(p_request jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when coalesce(jsonb_typeof(p_request), 'null') <> 'object' then 'A request is an object.'
    when length(p_request ->> 'idempotency_key') not between 1 and 255 then 'An Idempotency-Key has 1 to 255 characters.'
    when length(p_request ->> 'session_id') not between 1 and 200 then 'A session id has 1 to 200 characters.'
    when length(p_request ->> 'client_address') not between 1 and 100 then 'A client''s address has 1 to 100 characters.'
    when length(p_request ->> 'customer_name') not between 1 and 200 then 'A name has 1 to 200 characters.'
    when not ticketing.is_email(p_request ->> 'customer_email') then 'The e-mail address is none.'
    when jsonb_typeof(p_request -> 'expected_total_cents') not in ('number', 'null') then 'An expected total is a number.'
    when p_request ->> 'success_url' !~ '^https?://' or length(p_request ->> 'success_url') > 2000
      or p_request ->> 'cancel_url' !~ '^https?://' or length(p_request ->> 'cancel_url') > 2000
      then 'A URL to return to begins with http:// or https:// and has at most 2000 characters.'
  end
$$;

-- repeat_order: the answer that a repeated key gets; null where its order has expired, so that the key starts anew.
-- Locks: the order.
create or replace function ticketing.repeat_order(p_order_id uuid, p_request jsonb, p_is_nameless boolean) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order public.orders := ticketing.lock_order(p_order_id);
begin
  if v_order.status = 'expired' then
    update public.orders set request_key = null where id = p_order_id;
    return null;
  elsif v_order.status = 'pending' and v_order.expires_at <= clock_timestamp() then
    return ticketing.refused_cart('HOLD_EXPIRED');
  elsif p_is_nameless then
    -- Confused deputy: a guest whom nothing names may be another than who made the order, and is not told what opens it.
    return ticketing.refused_cart('IDEMPOTENCY_KEY_REUSED');
  end if;
  return ticketing.order_answer(p_order_id, p_request) || '{"replayed": true}';
end
$$;

-- price_cart: what the request's cart is and costs, by the prices of the database. p_event_id: find_event's.
--   refusal, message  EVENT_NOT_FOUND, INVALID_REQUEST, INVALID_QUANTITY, TIER_NOT_FOUND, AMOUNT_NOT_CHARGEABLE,
--                     PAYMENT_UNAVAILABLE, PRICE_CHANGED, or null
--   more              what the refusal adds
--   terms             the settings, read once: what one moment promised is not another's
--   lifetime          how long its tickets are held: until the payment's deadline, when they cost something
create or replace function ticketing.price_cart(
  p_request jsonb, p_event_id uuid, out refusal text, out message text, out more jsonb, out event_id uuid, out tier_ids uuid[], out quantities integer[],
  out prices bigint[], out fees bigint[], out subtotal_cents bigint, out fees_cents bigint, out currency text,
  out terms ticketing.settings, out lifetime interval)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_cart record;
  v_tiers integer;
begin
  more := '{}';
  event_id := p_event_id;
  if event_id is null then
    refusal := 'EVENT_NOT_FOUND';
    return;
  end if;
  v_cart := ticketing.read_cart(ticketing.find_tiers(event_id, p_request -> 'items'));
  if v_cart.refusal is not null then
    refusal := v_cart.refusal;
    message := case refusal when 'INVALID_REQUEST' then '1 to 50 items are needed, each with a tier and a quantity.' end;
    return;
  end if;
  tier_ids := v_cart.tier_ids;
  quantities := v_cart.quantities;
  select count(*), array_agg(p.price order by p.position), array_agg(p.fee order by p.position),
      sum(p.price * p.quantity), sum(p.fee * p.quantity), min(p.currency)
    into v_tiers, prices, fees, subtotal_cents, fees_cents, currency
    from (
      select c.position, c.quantity, t.price_cents as price, t.currency::text as currency,
        ticketing.ticket_fee(t.price_cents, e.fee_fixed_cents, e.fee_basis_points, t.currency) as fee
      from unnest(v_cart.tier_ids, v_cart.quantities) with ordinality c(tier_id, quantity, position)
      join public.ticket_tiers t on t.event_id = price_cart.event_id and t.id = c.tier_id
      join public.events e on e.id = t.event_id) p;
  if v_tiers < cardinality(v_cart.tier_ids) then
    refusal := 'TIER_NOT_FOUND';
  elsif not ticketing.is_chargeable(subtotal_cents + fees_cents, currency) then
    refusal := 'AMOUNT_NOT_CHARGEABLE';
  elsif subtotal_cents + fees_cents > 0 and (p_request ->> 'takes_payments')::boolean is false then
    refusal := 'PAYMENT_UNAVAILABLE';
    message := 'Payments are not available here; only free tickets can be ordered.';
  elsif subtotal_cents + fees_cents > (p_request ->> 'expected_total_cents')::numeric
      or subtotal_cents + fees_cents > 0 and currency <> upper(p_request ->> 'expected_currency') then
    refusal := 'PRICE_CHANGED';
    more := jsonb_build_object('total_cents', subtotal_cents + fees_cents, 'currency', currency);
  end if;
  select * into terms from ticketing.settings;
  lifetime := case when subtotal_cents + fees_cents = 0 then terms.hold_lifetime else terms.session_lifetime + terms.payment_margin end;
end
$$;
