-- Written by `npm run generate` from src/core/refusals.ts; a test compares the two.

-- refusal_message: one sentence for a person, per code.
create or replace function ticketing.refusal_message(p_code text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case p_code
    when 'INVALID_REQUEST' then 'The request is not valid.'
    when 'INVALID_QUANTITY' then 'The quantity must be a whole number from 1 to 1000.'
    when 'INVALID_PARTY_SIZE' then 'The party size must be a whole number from 1 to 1000.'
    when 'INVALID_SIGNATURE' then 'The signature is missing, too old, or not ours.'
    when 'UNAUTHORIZED' then 'Sign in first.'
    when 'NOT_FOUND' then 'There is nothing here.'
    when 'METHOD_NOT_ALLOWED' then 'This method does not work here.'
    when 'PAYLOAD_TOO_LARGE' then 'The request body is too large.'
    when 'IDEMPOTENCY_KEY_REUSED' then 'This Idempotency-Key was used for another request.'
    when 'TIER_NOT_FOUND' then 'There is no such ticket tier.'
    when 'SEVERAL_BUSINESSES' then 'A cart is of one business: order from each by itself.'
    when 'TIER_INACTIVE' then 'This tier is not on sale.'
    when 'EVENT_ENDED' then 'The event is over.'
    when 'SALE_NOT_OPEN' then 'The sale of this tier is not open.'
    when 'FORBIDDEN' then 'This belongs to somebody else.'
    when 'PERSON_REQUIRED' then 'These tickets are limited per person: sign in or give an e-mail address.'
    when 'LIMIT_EXCEEDED' then 'More tickets than one order or one person may have.'
    when 'INSUFFICIENT_TICKETS' then 'Not enough tickets available.'
    when 'EVENT_NOT_FOUND' then 'There is no such event.'
    when 'ORDER_NOT_FOUND' then 'There is no such order.'
    when 'SESSION_NOT_FOUND' then 'There is no such checkout session.'
    when 'TICKET_NOT_FOUND' then 'This ticket is not of this order.'
    when 'AMOUNT_NOT_CHARGEABLE' then 'This amount cannot be charged: it is below or above what the payment provider takes.'
    when 'PRICE_CHANGED' then 'The price is not the one that was shown; nothing was ordered.'
    when 'ORDER_NOT_PAID' then 'The order is not paid.'
    when 'ORDER_PAID' then 'This order has its tickets; it can be refunded, not given up.'
    when 'PAYMENT_UNDER_WAY' then 'A payment of this order is under way.'
    when 'TICKET_USED' then 'This ticket was scanned; it is refunded only when that is confirmed.'
    when 'ALREADY_REFUNDED' then 'These tickets were refunded already.'
    when 'ALREADY_VOID' then 'None of these tickets is valid any more.'
    when 'HOLD_EXPIRED' then 'The time to pay for these tickets is over.'
    when 'NO_ACTIVE_HOLDS' then 'This session holds nothing.'
    when 'ALREADY_EXTENDED' then 'These holds were extended already.'
    when 'PAYMENT_REFUSED' then 'The payment provider refused this order.'
    when 'PAYMENT_UNAVAILABLE' then 'The payment provider does not answer; the tickets are held, please try again.'
    when 'OFFER_NOT_FOUND' then 'There is no such offer.'
    when 'OFFER_INACTIVE' then 'This offer is not open.'
    when 'ALREADY_CLAIMED' then 'This offer is one claim a person, and you have yours.'
    when 'INSUFFICIENT_SPOTS' then 'Not enough places are left in this offer.'
    when 'CLAIM_NOT_FOUND' then 'There is no such claim.'
    when 'NO_SLOTS' then 'There are no tables on that day.'
    when 'TIME_NOT_IN_SLOT' then 'There is no table at that time.'
    when 'PARTY_TOO_LARGE' then 'The party is larger than this table takes.'
    when 'SLOT_FULL' then 'This time is fully booked.'
    when 'RESERVATION_NOT_FOUND' then 'There is no such booking.'
    when 'TIME_PASSED' then 'This time is past.'
    when 'EVENING_OVER' then 'This evening is over.'
    when 'INVALID_STATUS' then 'This ticket does not admit.'
    when 'ALREADY_USED' then 'This ticket was already scanned.'
    when 'UNREADABLE' then 'This cannot be a code: scan again.'
    when 'WRONG_EVENT' then 'This ticket is for another event.'
    when 'EVENT_CANCELLED' then 'The event is cancelled.'
    when 'TOO_EARLY' then 'Entry has not begun.'
    when 'TOO_LATE' then 'Entry is over.'
    when 'UNDONE' then 'This scan was undone.'
    when 'NOT_SCANNED' then 'No such scan counts.'
    when 'UNDO_TOO_LATE' then 'This scan was too long ago to be undone.'
    when 'KEY_REVOKED' then 'This key was revoked.'
    when 'KEYS_EXHAUSTED' then 'There are 255 keys already, and none of them was revoked.'
    when 'LOCK_TIMEOUT' then 'Server busy, please try again.'
    when 'SERVER_BUSY' then 'Server busy, please try again.'
    when 'TOO_MANY_REQUESTS' then 'Too many requests, slow down.'
    when 'DATABASE_UNREACHABLE' then 'The database is not reachable.'
    when 'DATABASE_TIMEOUT' then 'The database did not answer in time; whether it was done is unknown. Ask again with the same key.'
    when 'DATABASE_READ_ONLY' then 'The database takes no changes just now, please try again.'
    when 'DATABASE_BUSY' then 'The database has no connection left, please try again.'
    when 'DATABASE_FULL' then 'The database has no room left, please try again later.'
    when 'COMMIT_UNCONFIRMED' then 'Whether this was done is unknown. Ask again with the same key.'
    when 'NOT_INSTALLED' then 'Admit Once is not installed in this database.'
    when 'PROTECTION_MISSING' then 'A protection is missing.'
    when 'SIGNING_KEY_REVOKED' then 'The key that signs tickets here was revoked; nothing is sold until there is another.'
    when 'INTERNAL_ERROR' then 'Something went wrong on our side.'
  end
$$;

-- scan_message: refusal_message, in the words of a gate.
create or replace function ticketing.scan_message(p_code text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return case p_code
    when 'NOT_FOUND' then 'Ticket not found.'
    when 'FORBIDDEN' then 'Only staff may scan, and only in the name of staff.'
    else ticketing.refusal_message(p_code) end;
end
$$;

-- refusal_rank: the documented precedence, for a cart whose tiers are refused for different reasons.
create or replace function ticketing.refusal_rank(p_refusal text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select array_position(array[
    'TIER_NOT_FOUND',
    'SEVERAL_BUSINESSES',
    'TIER_INACTIVE',
    'EVENT_ENDED',
    'SALE_NOT_OPEN',
    'FORBIDDEN',
    'PERSON_REQUIRED',
    'LIMIT_EXCEEDED',
    'INSUFFICIENT_TICKETS'], p_refusal)
$$;
