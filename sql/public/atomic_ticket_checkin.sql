-- atomic_ticket_checkin: the door to ticketing.atomic_ticket_checkin, whose header says what it answers.
create or replace function public.atomic_ticket_checkin(p_ticket_id uuid, p_staff_user_id uuid) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.atomic_ticket_checkin(p_ticket_id, p_staff_user_id);
end
$$;
