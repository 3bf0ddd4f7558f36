-- disputed_orders: every order of an event whose payment a bank took back or wants back, with its tickets: who lost the money
-- decides, and may void what was not scanned. Lost ones first.
-- A ticket: {id, status}.
-- No rows for those who do not manage the event's business.
create or replace function ticketing.disputed_orders(p_event_id uuid)
returns table (order_id uuid, dispute text, amount_cents bigint, currency text, created_at timestamptz, closed_at timestamptz,
  tickets jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record := ticketing.caller();
begin
  if not v_caller.is_trusted and p_event_id not in (select ticketing.managed_events()) then
    return;
  end if;
  return query
    select d.order_id, d.status, d.amount_cents, p.currency, d.created_at, d.closed_at, (
      select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'status', t.status) order by t.id), '[]')
      from public.tickets t where t.event_id = p_event_id and t.order_id = d.order_id)
    from ticketing.payments p join ticketing.disputes d on d.payment_id = p.id
    where p.event_id = p_event_id and d.status <> 'won'
    order by d.status <> 'lost', d.created_at, d.id;
end
$$;
