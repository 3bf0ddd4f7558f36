-- issued_tickets: the answer that names an order's tickets.
create or replace function ticketing.issued_tickets(p_order_id uuid, p_already_issued boolean) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('success', true, 'already_issued', p_already_issued, 'tickets', coalesce(
      jsonb_agg(jsonb_build_object('id', t.id, 'tier_id', t.tier_id, 'qr_code', t.qr_code)
        order by t.tier_id, t.ordinal), '[]'))
    from public.tickets t
    where t.event_id = (select o.event_id from public.orders o where o.id = p_order_id) and t.order_id = p_order_id);
end
$$;
