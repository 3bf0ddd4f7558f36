-- cancel_reservation: give a table back; for the guest whose booking it is, and for all of the house's staff, the door's too:
-- the table of a party that does not come is given away so.
--
-- Answers, first that applies:
--   UNAUTHORIZED           a guest who is not signed in
--   RESERVATION_NOT_FOUND  no such booking, or somebody else's: nothing is learned
--   ALREADY_USED           the party was admitted
--   EVENING_OVER           the slot has ended: there is nothing to give back
--   LOCK_TIMEOUT           busy for five seconds; try again
--   success                {success: true, reservation_id, already_cancelled}; however often it is asked
-- Locks:  the slot on that date, then the booking's row.
-- Writes: reservations (1 row); slot_days follows by trigger.
create or replace function ticketing.cancel_reservation(p_reservation_id uuid) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_reservation public.reservations;
  v_evening record;
begin
  if v_caller.user_id is null and not v_caller.is_trusted then
    return ticketing.refused('UNAUTHORIZED');
  end if;
  select * into v_reservation from public.reservations r
    where r.id = p_reservation_id and (v_caller.is_trusted or r.user_id = v_caller.user_id
      or ticketing.works_for(v_caller.user_id, r.business_id));
  if v_reservation.id is null then
    return ticketing.refused('RESERVATION_NOT_FOUND');
  end if;
  -- As a booking does, so that who waits for this table gets it.
  perform ticketing.lock_key('slot:' || v_reservation.slot_id || ':' || to_char(v_reservation.date, 'YYYY-MM-DD'));
  perform ticketing.limit_wait();
  select * into v_reservation from public.reservations r where r.id = p_reservation_id for no key update;
  if v_reservation.id is null then
    return ticketing.refused('RESERVATION_NOT_FOUND');
  elsif v_reservation.status = 'checked_in' then
    return ticketing.refused('ALREADY_USED', 'This party was admitted.');
  elsif v_reservation.status = 'confirmed' then
    v_evening := ticketing.slot_evening(v_reservation.slot_id, v_reservation.date);
    if v_evening.ends_at <= clock_timestamp() then
      return ticketing.refused('EVENING_OVER');
    end if;
    update public.reservations set status = 'cancelled' where id = p_reservation_id;
  end if;
  return jsonb_build_object('success', true, 'reservation_id', p_reservation_id,
    'already_cancelled', v_reservation.status = 'cancelled');
exception when lock_not_available or deadlock_detected then
  return ticketing.refused('LOCK_TIMEOUT');
end
$$;
