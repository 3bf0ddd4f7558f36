-- manager_refusal: why the caller may not take something away at an event: p_not_found to those who do not work for its business, who
-- learn nothing; FORBIDDEN to the door's staff; null to owners, managers and trusted callers.
create or replace function ticketing.manager_refusal(p_event_id uuid, p_not_found text) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record := ticketing.caller();
  v_event record;
begin
  select e.id, s.role into v_event from public.events e
    left join public.business_staff s on s.business_id = e.business_id and s.user_id = v_caller.user_id
    where e.id = p_event_id;
  return case
    when v_event.id is null or v_event.role is null and not v_caller.is_trusted then p_not_found
    when v_event.role = 'door' and not v_caller.is_trusted then 'FORBIDDEN' end;
end
$$;

-- order_manager_refusal: the same for an order, found by its id alone.
create or replace function ticketing.order_manager_refusal(p_order_id uuid) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.manager_refusal((select o.event_id from public.orders o where o.id = p_order_id), 'ORDER_NOT_FOUND');
end
$$;
