-- person_quantity: how many of a tier a person has, across tabs, sessions and orders: living tickets and what is held. A
-- person is a signed-in user, an e-mail address without regard to case, or both. Asked under the tier's lock, and only where
-- the tier has a limit.
create or replace function ticketing.person_quantity(
  p_event_id uuid, p_tier_id uuid, p_user_id uuid, p_email text, p_now timestamptz) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_order_ids uuid[] := array(
    select o.id from public.orders o where o.user_id = p_user_id and o.event_id = p_event_id
    union
    select o.id from public.orders o where o.event_id = p_event_id and lower(o.customer_email) = lower(p_email));
begin
  return (
    select count(*) from public.tickets k
    where k.event_id = p_event_id and k.order_id = any (v_order_ids) and (k.tier_id = p_tier_id) is true
      and k.status in ('valid', 'used', 'refunding')
  ) + (
    select coalesce(sum(h.quantity), 0) from (
      select h.id, h.quantity from public.ticket_holds h
        where h.order_id = any (v_order_ids) and (h.tier_id = p_tier_id) is true and h.status is not distinct from 'active'
          and h.expires_at > p_now
      union
      select h.id, h.quantity from public.ticket_holds h
        where h.user_id = p_user_id and h.tier_id = p_tier_id and h.status = 'active' and h.expires_at > p_now) h
  );
end
$$;
