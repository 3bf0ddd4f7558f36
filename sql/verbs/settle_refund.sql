-- settle_refund: what the provider says about a refund, told by an event or asked for. Told twice or in another order, it
-- has its effect once. Ours are known by p_refund_id, the refund's metadata or its id; another one was made by a person at the
-- provider, and is written down here.
--
-- p_refund is the provider's object: {id, amount, currency, status, payment_intent, metadata}.
-- Answers: LOCK_TIMEOUT
--          {success: true, outcome, refund_id, order_id}; outcome: PENDING, REFUNDED, REFUND_FAILED, NO_CHANGE, UNMATCHED
-- Locks:  order, tiers, ascending id, tickets.
-- Writes: refunds, tickets, orders, payments, ledger_entries; counters by trigger.
create or replace function ticketing.settle_refund(p_refund jsonb, p_refund_id uuid default null) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
begin
  return jsonb_build_object('success', true) || ticketing.apply_refund(p_refund, p_refund_id);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
