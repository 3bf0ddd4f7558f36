-- book_slot_atomically: book a table for a party.
--
-- p_slot_time is HH:MM. A time after midnight in a slot that crosses it belongs to the evening p_date on which the slot
-- starts.
-- Answers, first that applies:
--   UNAUTHORIZED      a guest: sign in first
--   INVALID_REQUEST   no business, date, time (HH:MM) or name; a text that is too long
--   INVALID_PARTY_SIZE  no whole number from 1 to 1000
--   NO_SLOTS          the business has none on that day
--   TIME_NOT_IN_SLOT  it has, but not at that time; or the house's clock skips that time on that night, or the slot is over
--   PARTY_TOO_LARGE   more than the slot takes in one party
--   SLOT_FULL         fewer covers are left, in every slot at that time
--   LOCK_TIMEOUT      busy for five seconds; try again
--   success           {success: true, reservation_id, confirmation_code, qr_token, preferred_time, starts_at, slot_time_from,
--                     max_party_size}; starts_at is the instant of p_slot_time by the house's clock
-- Locks:  every slot at that time on that date, ascending id, and their rows, shared: whoever finds one full has looked at
--         the others too.
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
  v_slot_ids uuid[];
  v_slot_id uuid;
  v_party_max integer;
  v_slot record;
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
  select array_agg(s.id order by s.id) filter (where p_party_size <= s.max_party_size), max(s.max_party_size)
    into v_slot_ids, v_party_max from ticketing.slots_at(p_business_id, p_date, v_time) s;
  if v_party_max is null then
    return ticketing.refused('TIME_NOT_IN_SLOT');
  elsif v_slot_ids is null then
    return ticketing.refused('PARTY_TOO_LARGE') || jsonb_build_object('max_party_size', v_party_max);
  end if;

  foreach v_slot_id in array v_slot_ids loop
    perform ticketing.lock_key('slot:' || v_slot_id || ':' || to_char(p_date, 'YYYY-MM-DD'));
    perform ticketing.limit_wait();
    perform from public.slots s where s.id = v_slot_id for share;
  end loop;
  -- Read afresh. Of several slots the one with the most room, then the earliest.
  select s.*, s.capacity - coalesce(d.booked_people, 0) as room into v_slot
    from ticketing.slots_at(p_business_id, p_date, v_time) s
    left join ticketing.slot_days d on d.slot_id = s.id and d.date = p_date
    where s.id = any(v_slot_ids) and p_party_size <= s.max_party_size
    order by room desc, s.time_from, s.id limit 1;
  if v_slot.id is null then
    return ticketing.refused('TIME_NOT_IN_SLOT');
  elsif p_party_size > v_slot.room then
    return ticketing.refused('SLOT_FULL');
  end if;
  insert into public.reservations (business_id, slot_id, date, preferred_time, user_id, party_size, reservation_name,
      phone_number, seating_preference, special_requests, is_offer_based)
    values (p_business_id, v_slot.id, p_date, v_time, v_caller.user_id, p_party_size, p_reservation_name,
      p_phone_number, p_seating_preference, p_special_requests, coalesce(p_is_offer_based, false))
    returning * into v_reservation;
  return jsonb_build_object('success', true, 'reservation_id', v_reservation.id,
    'confirmation_code', v_reservation.confirmation_code, 'qr_token', v_reservation.qr_token,
    'preferred_time', to_char(v_time, 'HH24:MI'), 'starts_at', v_slot.starts_at,
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

-- slots_at: those of them that are open at a time and not over yet, and when that is. A time after midnight is the next
-- day's.
create or replace function ticketing.slots_at(p_business_id uuid, p_date date, p_time time)
returns table (id uuid, time_from time, capacity integer, max_party_size integer, starts_at timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s.id, s.time_from, s.capacity, s.max_party_size, i.starts_at
  from ticketing.slots_on(p_business_id, p_date) s
  join public.businesses b on b.id = s.business_id
  cross join lateral ticketing.first_instant(p_date + (p_time < s.time_from)::integer + p_time, b.time_zone) as i(starts_at)
  cross join lateral ticketing.slot_evening(s.id, p_date) e
  where i.starts_at is not null and e.ends_at > clock_timestamp()
    and case when s.time_from < s.time_to then p_time >= s.time_from and p_time < s.time_to
        else p_time >= s.time_from or p_time < s.time_to end
$$;
