-- issue_order_tickets: the door to ticketing.issue_order_tickets, whose header says what it answers.
create or replace function public.issue_order_tickets(p_order_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.issue_order_tickets(p_order_id);
end
$$;
