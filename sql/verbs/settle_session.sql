-- settle_session: what the provider says about a checkout session, told by an event or asked for. Told twice, late, or in
-- another order, it has its effect once; a payment wins over an end.
--
-- p_session is the provider's object. Answers:
--   LOCK_TIMEOUT
--   success  {success: true, outcome, order_id, reason}:
--     UNMATCHED         about no order of ours; where money was paid the payment is kept in sight
--     ISSUED, ALREADY_ISSUED, RETURNED   paid: take_payment's
--     AWAITING_PAYMENT  complete, and the money needs days: the holds wait for it
--     EXPIRED           nobody will pay: the holds are given back
--     NO_CHANGE
-- Locks:  order, tiers, ascending id.
-- Writes: checkout_sessions, and what take_payment and expire_order write.
create or replace function ticketing.settle_session(p_session jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
begin
  return jsonb_build_object('success', true) || ticketing.apply_session(p_session);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
