-- cancel_reservation: the door to ticketing.cancel_reservation, whose header says what it answers.
create or replace function public.cancel_reservation(p_reservation_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.cancel_reservation(p_reservation_id);
end
$$;
