-- checkout: a cart becomes an order. A free one gets its tickets at once, in the same transaction; one that costs something
-- waits for its payment, with everything stored that the call to the provider needs.
--
-- p_request = {endpoint, event: id or slug, items: [{tier: id or slug, quantity}], customer_name, customer_email,
--              session_id, client_address, expected_total_cents, expected_currency, idempotency_key, fingerprint, public_url, success_url,
--              cancel_url, livemode, takes_payments}
-- Answers, first that applies:
--   INVALID_REQUEST         a name, an e-mail address, a key or a URL that cannot be one
--   success, replayed       same key, same request: the order that the first call won, as it is now
--   HOLD_EXPIRED            the same, and its time to pay is over, though its payment may still arrive
--   IDEMPOTENCY_KEY_REUSED  the caller used the key at this business before, for another request; where there is no such event, at
--                           any. Or somebody did, and no user, session, e-mail address or client_address says whose the key is
--   EVENT_NOT_FOUND
--   INVALID_REQUEST         no list of 1 to 50 items, each with a tier
--   INVALID_QUANTITY        a quantity (summed per tier) that is no whole number from 1 to 1000
--   TIER_NOT_FOUND
--   AMOUNT_NOT_CHARGEABLE   the total is more than nothing and less than the provider takes, or too much
--   PAYMENT_UNAVAILABLE     it costs something, and takes_payments is false
--   PRICE_CHANGED           it costs more than expected_total_cents, or something in another currency than expected_currency:
--                           total_cents and currency are what it costs now. A lower total is sold at the lower
--   FORBIDDEN               the session is another user's
--   TIER_INACTIVE, EVENT_ENDED, SALE_NOT_OPEN, PERSON_REQUIRED, LIMIT_EXCEEDED, INSUFFICIENT_TICKETS, LOCK_TIMEOUT
--   success                 order_answer
-- A refusal is never kept under the key: sold out is judged anew. A key whose order has expired starts anew.
-- Locks:  idempotency key, the orders that it made before, tiers, ascending id; then the new order, which nobody else can know.
-- Writes: ticket_holds, orders, order_items, checkout_sessions, tickets, idempotency_keys; the counters follow by trigger.
create or replace function ticketing.checkout(p_request jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
begin
  return ticketing.buy(ticketing.caller(), p_request, false);
end
$$;
