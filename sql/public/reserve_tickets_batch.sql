-- reserve_tickets_batch: the door to ticketing.reserve_tickets_batch, whose header says what it answers.
create or replace function public.reserve_tickets_batch(
  p_reservations jsonb, p_session_id text default null, p_user_id uuid default null, p_expires_minutes integer
  default 15
) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.reserve_tickets_batch(p_reservations, p_session_id, p_user_id, p_expires_minutes);
end
$$;
