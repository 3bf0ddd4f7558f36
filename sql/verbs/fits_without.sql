-- fits_without: dry run: would the cart of a checkout be held if its buyer gave some waiting orders up first? Everything is tried
-- under the locks of a checkout, and undone.
--
-- p_request is checkout's; p_orders = [{order_id, secret}], of which at most 50 are read.
-- Answers, first that applies:
--   INVALID_REQUEST  as at the checkout
--   LOCK_TIMEOUT
--   success          {success: true, fits, order_ids}
--     fits       false where the cart would be refused nevertheless, for whatever reason
--     order_ids  the orders that were tried without: those that cancel_order would give up by that secret, which are pending and
--                not being paid
-- It promises nothing: the places are anybody's between this answer and the checkout.
-- Locks:  orders, ascending id; tiers of the cart and of the orders, ascending id.
-- Writes: nothing.
create or replace function ticketing.fits_without(p_request jsonb, p_orders jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_problem text := ticketing.request_problem(p_request);
  v_cart record;
  v_orders public.orders[];
  v_order public.orders;
  v_order_ids uuid[];
  v_fits boolean := false;
begin
  if v_problem is not null then
    return ticketing.refused('INVALID_REQUEST', v_problem);
  end if;
  v_orders := ticketing.lock_waiting(p_orders);
  v_order_ids := array(select o.id from unnest(v_orders) o);
  v_cart := ticketing.price_cart(p_request, ticketing.find_event(p_request ->> 'event'));
  if v_cart.refusal is null then
    -- All at once, so that neither giving up nor holding takes one out of order.
    perform ticketing.lock_tiers(v_cart.tier_ids || array(select i.tier_id from public.order_items i where i.order_id = any (v_order_ids)));
    begin
      foreach v_order in array v_orders loop
        perform ticketing.expire_order(v_order);
      end loop;
      v_fits := (ticketing.hold_cart(v_caller, p_request, v_cart) ->> 'success')::boolean;
      -- Rolls back to here, so that every order and hold is as before. Variables keep what they were given.
      raise exception 'only tried' using errcode = 'AO001';
    exception when sqlstate 'AO001' then
      null;
    end;
  end if;
  return jsonb_build_object('success', true, 'fits', v_fits, 'order_ids', to_jsonb(v_order_ids));
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- lock_waiting: of these orders (read_orders) those that can be given up, under their locks.
-- Locks: orders, ascending id.
create or replace function ticketing.lock_waiting(p_orders jsonb) returns public.orders[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_order_id uuid;
  v_order public.orders;
  v_waiting public.orders[] := '{}';
begin
  foreach v_order_id in array array(select distinct o.id from ticketing.read_orders(p_orders) o order by o.id) loop
    v_order := ticketing.lock_order(v_order_id);
    if v_order.status = 'pending' and (ticketing.last_session(v_order_id)).status is distinct from 'complete' then
      v_waiting := v_waiting || v_order;
    end if;
  end loop;
  return v_waiting;
end
$$;
