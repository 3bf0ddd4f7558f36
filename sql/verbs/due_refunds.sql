-- due_refunds: at most p_limit refunds to send or to ask about now, leased to the caller: nobody else gets them before their
-- next turn, so any number of servers may ask at once. p_livemode: the caller's provider's; another one's are not its own.
-- Answers: [{refund_id, action, key, payment_id, amount_cents, currency, reason, provider_refund_id, order_id}]
--   send  the same call under the same key, as often as it takes: the provider forgets keys after 24 hours, so only within 23
--   ask   find it among the provider's refunds of the payment, by its id or its metadata; then settle_refund
-- Writes: refunds.
create or replace function ticketing.due_refunds(p_limit integer default 20, p_livemode boolean default false) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan'
  set enable_seqscan = off set enable_hashjoin = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_due jsonb;
begin
  with due as (
    select r.id from ticketing.refunds r where r.ask_at <= v_now and p_livemode = coalesce((
      select p.livemode from ticketing.payments p where p.id = r.payment_id), false)
    order by r.ask_at limit p_limit for update skip locked),
  leased as (
    update ticketing.refunds r set asked = r.asked + 1, ask_at = v_now + ticketing.next_turn(r.asked)
      from due d where r.id = d.id returning r.*)
  select coalesce(jsonb_agg(jsonb_build_object('refund_id', l.id, 'order_id', l.order_id, 'payment_id', l.payment_id,
      'amount_cents', l.amount_cents, 'currency', l.currency, 'reason', coalesce(l.note, l.cause), 'key', 'refund:' || l.id,
      'provider_refund_id', l.provider_refund_id, 'action', case
        when l.status = 'queued' and l.created_at > v_now - interval '23 hours' then 'send' else 'ask' end)
      order by l.created_at, l.id), '[]')
    into v_due from leased l;
  return v_due;
end
$$;
