-- refused: a refusal as an answer: {success: false, error: code, message}.
create or replace function ticketing.refused(p_code text, p_message text default null) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('success', false, 'error', p_code,
    'message', coalesce(p_message, ticketing.refusal_message(p_code)))
$$;

-- refused_cart: the refusal of several tiers at once: {success: false, error_code, error: message, failed}.
create or replace function ticketing.refused_cart(p_code text, p_message text default null, p_failed jsonb default '[]')
returns jsonb language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('success', false, 'error_code', p_code,
    'error', coalesce(p_message, ticketing.refusal_message(p_code)), 'failed', p_failed)
$$;

-- refusal_message: one sentence for a person, per code.
create or replace function ticketing.refusal_message(p_code text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_code
    when 'ALREADY_REFUNDED' then 'These tickets were refunded already.'
    when 'AMOUNT_NOT_CHARGEABLE' then 'This amount cannot be charged: it is below or above what the payment provider takes.'
    when 'ALREADY_CLAIMED' then 'This offer is one claim a person, and you have yours.'
    when 'ALREADY_EXTENDED' then 'These holds were extended already.'
    when 'ALREADY_USED' then 'This ticket was already scanned.'
    when 'CLAIM_NOT_FOUND' then 'There is no such claim.'
    when 'EVENING_OVER' then 'This evening is over.'
    when 'EVENT_ENDED' then 'The event is over.'
    when 'EVENT_NOT_FOUND' then 'There is no such event.'
    when 'FORBIDDEN' then 'This belongs to somebody else.'
    when 'HOLD_EXPIRED' then 'The time to pay for these tickets is over.'
    when 'IDEMPOTENCY_KEY_REUSED' then 'This Idempotency-Key was used for another request.'
    when 'INSUFFICIENT_SPOTS' then 'Not enough places are left in this offer.'
    when 'INSUFFICIENT_TICKETS' then 'Not enough tickets available.'
    when 'INVALID_PARTY_SIZE' then 'The party size must be a whole number from 1 to 1000.'
    when 'INVALID_QUANTITY' then 'The quantity must be a whole number from 1 to 1000.'
    when 'INVALID_STATUS' then 'This ticket does not admit.'
    when 'LIMIT_EXCEEDED' then 'More tickets than one order or one person may have.'
    when 'LOCK_TIMEOUT' then 'Server busy, please try again.'
    when 'NO_ACTIVE_HOLDS' then 'This session holds nothing.'
    when 'NO_SLOTS' then 'There are no tables on that day.'
    when 'NOT_FOUND' then 'Ticket not found.'
    when 'OFFER_INACTIVE' then 'This offer is not open.'
    when 'OFFER_NOT_FOUND' then 'There is no such offer.'
    when 'ORDER_NOT_FOUND' then 'There is no such order.'
    when 'ORDER_NOT_PAID' then 'The order is not paid.'
    when 'PARTY_TOO_LARGE' then 'The party is larger than this table takes.'
    when 'PAYMENT_REFUSED' then 'The payment provider refused this order.'
    when 'PAYMENT_UNAVAILABLE' then 'The payment provider does not answer; the tickets are held, please try again.'
    when 'PERSON_REQUIRED' then 'These tickets are limited per person: sign in or give an e-mail address.'
    when 'RESERVATION_NOT_FOUND' then 'There is no such booking.'
    when 'SALE_NOT_OPEN' then 'The sale of this tier is not open.'
    when 'SESSION_NOT_FOUND' then 'There is no such checkout session.'
    when 'SLOT_FULL' then 'This time is fully booked.'
    when 'TICKET_NOT_FOUND' then 'This ticket is not of this order.'
    when 'TICKET_USED' then 'This ticket was scanned; it is refunded only when that is confirmed.'
    when 'TIER_INACTIVE' then 'This tier is not on sale.'
    when 'TIER_NOT_FOUND' then 'There is no such ticket tier.'
    when 'TIME_NOT_IN_SLOT' then 'There is no table at that time.'
    when 'UNAUTHORIZED' then 'Sign in first.'
  end
$$;

-- is_uuid: a test that never raises; any 8-4-4-4-12 hex string is one.
create or replace function ticketing.is_uuid(p_text text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(p_text ~ '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$', false)
$$;

-- read_cart: [{tier_id, quantity}, …] as two arrays, a tier once, in the order of first mention.
--   refusal  INVALID_REQUEST (no list of 1 to 50, or no tier id), INVALID_QUANTITY (none of 1 to 1000), or null
create or replace function ticketing.read_cart(
  p_cart jsonb, out tier_ids uuid[], out quantities integer[], out refusal text)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  v_line record;
  v_quantity numeric;
  v_position integer;
begin
  if jsonb_typeof(p_cart) is distinct from 'array' or jsonb_array_length(p_cart) not between 1 and 50 then
    refusal := 'INVALID_REQUEST';
    return;
  end if;
  for v_line in select e -> 'quantity' as quantity, e ->> 'tier_id' as tier_id from jsonb_array_elements(p_cart) e loop
    if coalesce(v_line.tier_id !~ '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$', true) then
      refusal := 'INVALID_REQUEST';
      return;
    end if;
    v_quantity := case when jsonb_typeof(v_line.quantity) = 'number' then v_line.quantity::numeric else 0 end;
    v_position := array_position(tier_ids, v_line.tier_id::uuid);
    if v_quantity not between 1 and 1000 or v_quantity <> trunc(v_quantity)
        or quantities[v_position] + v_quantity > 1000 then
      refusal := coalesce(refusal, 'INVALID_QUANTITY');
    elsif v_position is null then
      tier_ids := tier_ids || v_line.tier_id::uuid;
      quantities := quantities || v_quantity::integer;
    else
      quantities[v_position] := quantities[v_position] + v_quantity;
    end if;
  end loop;
end
$$;
