-- book_slot_atomically: book a table for a party.
--
-- p_slot_time is HH:MM. A time after midnight in a slot that crosses it belongs to the evening p_date on which the slot
-- starts.
-- Answers, first that applies:
--   UNAUTHORIZED      a guest: sign in first
--   INVALID_REQUEST   no business, date, time (HH:MM) or name; a text that is too long
--   INVALID_PARTY_SIZE  no whole number from 1 to 1000
--   NO_SLOTS          the business has none on that day
--   TIME_NOT_IN_SLOT  it has, but not at that time
--   PARTY_TOO_LARGE   more than the slot takes in one party
--   SLOT_FULL         fewer covers are left
--   LOCK_TIMEOUT      busy for five seconds; try again
--   success           {success: true, reservation_id, confirmation_code, qr_token, preferred_time, slot_time_from, max_party_size}
-- Locks:  the slot on that date, and its row, shared.
-- Writes: reservations (1 row); slot_days follows by trigger.
create or replace function ticketing.book_slot_atomically(
  p_business_id uuid, p_date date, p_slot_time text, p_party_size integer, p_reservation_name text,
  p_phone_number text default null, p_seating_preference text default null, p_special_requests text default null,
  p_is_offer_based boolean default false
) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_time time;
  v_slot public.slots;
  v_booked integer;
  v_reservation public.reservations;
begin
  if v_caller.user_id is null and not v_caller.is_trusted then
    return ticketing.refused('UNAUTHORIZED');
  elsif p_business_id is null or p_date is null or not isfinite(p_date)
      or p_slot_time is null or p_slot_time !~ '^([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?$'
      or coalesce(length(p_reservation_name), 0) not between 1 and 200 or length(p_phone_number) > 50
      or length(p_seating_preference) > 200 or length(p_special_requests) > 2000 then
    return ticketing.refused('INVALID_REQUEST', 'A business, a date, a time (HH:MM) and a name are needed.');
  elsif p_party_size is null or p_party_size not between 1 and 1000 then
    return ticketing.refused('INVALID_PARTY_SIZE');
  end if;
  v_time := p_slot_time::time;
  if not exists (select from ticketing.slots_on(p_business_id, p_date)) then
    return ticketing.refused('NO_SLOTS');
  end if;
  -- Of several slots at that time the one with the most room for the party, then the earliest.
  select s.* into v_slot from ticketing.slots_on(p_business_id, p_date) s
    left join ticketing.slot_days d on d.slot_id = s.id and d.date = p_date
    where case when s.time_from < s.time_to then v_time >= s.time_from and v_time < s.time_to
          else v_time >= s.time_from or v_time < s.time_to end
    order by p_party_size > s.max_party_size, s.capacity - coalesce(d.booked_people, 0) desc, s.time_from, s.id limit 1;
  if v_slot.id is null then
    return ticketing.refused('TIME_NOT_IN_SLOT');
  elsif p_party_size > v_slot.max_party_size then
    return ticketing.refused('PARTY_TOO_LARGE') || jsonb_build_object('max_party_size', v_slot.max_party_size);
  end if;

  perform ticketing.lock_key('slot:' || v_slot.id || ':' || to_char(p_date, 'YYYY-MM-DD'));
  perform ticketing.limit_wait();
  select * into v_slot from public.slots s where s.id = v_slot.id and s.active for share;
  if v_slot.id is null then
    return ticketing.refused('TIME_NOT_IN_SLOT');
  end if;
  select coalesce(sum(d.booked_people), 0) into v_booked
    from ticketing.slot_days d where d.slot_id = v_slot.id and d.date = p_date;
  if v_booked + p_party_size > v_slot.capacity then
    return ticketing.refused('SLOT_FULL');
  end if;
  insert into public.reservations (business_id, slot_id, date, preferred_time, user_id, party_size, reservation_name,
      phone_number, seating_preference, special_requests, is_offer_based)
    values (p_business_id, v_slot.id, p_date, v_time, v_caller.user_id, p_party_size, p_reservation_name,
      p_phone_number, p_seating_preference, p_special_requests, coalesce(p_is_offer_based, false))
    returning * into v_reservation;
  return jsonb_build_object('success', true, 'reservation_id', v_reservation.id,
    'confirmation_code', v_reservation.confirmation_code, 'qr_token', v_reservation.qr_token,
    'preferred_time', to_char(v_time, 'HH24:MI'),
    'slot_time_from', to_char(v_slot.time_from, 'HH24:MI'), 'max_party_size', v_slot.max_party_size);
exception
  when check_violation then
    return ticketing.refused('SLOT_FULL');
  -- Two bookings of one code, once in a trillion: the next try draws another.
  when lock_not_available or deadlock_detected or unique_violation then
    return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- slots_on: the slots of a business on one evening; those made for that very date replace the weekday's.
create or replace function ticketing.slots_on(p_business_id uuid, p_date date) returns setof public.slots
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s.* from public.slots s
  where s.business_id = p_business_id and s.active
    and (s.date = p_date or s.weekday = extract(dow from p_date) and not exists (
      select from public.slots o where o.business_id = p_business_id and o.active and o.date = p_date))
$$;
