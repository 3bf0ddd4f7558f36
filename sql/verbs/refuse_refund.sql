-- refuse_refund: the provider said no for good: the tickets are the buyer's again, the books are as before. A refund that went
-- after all stays.
-- Answers: ORDER_NOT_FOUND (no such refund), LOCK_TIMEOUT, {success: true, status, order_id}
-- Locks:  order, tiers, ascending id, tickets.
-- Writes: refunds, tickets, orders, ledger_entries.
create or replace function ticketing.refuse_refund(p_refund_id uuid, p_error text) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_refund ticketing.refunds;
begin
  -- Not where it is declared: what is raised there, the block's own handler does not see.
  v_refund := ticketing.lock_refund(p_refund_id);
  if v_refund.id is null then
    return ticketing.refused('ORDER_NOT_FOUND', 'There is no such refund.');
  elsif v_refund.status = 'queued' then
    v_refund := ticketing.fail_refund(v_refund, p_error);
  end if;
  return jsonb_build_object('success', true, 'status', v_refund.status, 'order_id', v_refund.order_id);
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
