-- book_slot_atomically: book a table for a party.
--
-- p_slot_time is HH:MM. A time after midnight in a slot that crosses it belongs to the evening p_date on which the slot
-- starts.
-- Answers, first that applies:
--   UNAUTHORIZED      a guest: sign in first
--   INVALID_REQUEST   no business, date, time (HH:MM) or name; a date too far away (settings.booking_ahead); a text that is
--                     too long; a key that cannot be one
--   INVALID_PARTY_SIZE  no whole number from 1 to 1000
--   success, replayed   same key, same request: the booking that the first call won, as it is now, cancelled or not
--   IDEMPOTENCY_KEY_REUSED  the caller used the key at this business before, for another request
--   NO_SLOTS          the business has none on that day
--   TIME_NOT_IN_SLOT  it has, but not at that time; or the house's clock skips that time on that night, or the slot is over
--   TIME_PASSED       the house's clock is past that minute; the house itself may book it while the slot is open
--   PARTY_TOO_LARGE   more than the slot takes in one party
--   LIMIT_EXCEEDED    more covers than the slot gives one guest on one evening (slots.max_per_person); the house itself has
--                     no such limit
--   SLOT_FULL         fewer covers are left, in every slot at that time
--   LOCK_TIMEOUT      busy for five seconds; try again
--   success           {success: true, reservation_id, confirmation_code, qr_token, preferred_time, starts_at, slot_time_from,
--                     max_party_size, status, replayed: false}; starts_at is the instant of p_slot_time by the house's clock
-- A refusal is never kept under the key: it is judged anew.
-- Locks:  idempotency key; every slot at that time on that date, ascending id, and their rows: whoever finds one full has
--         looked at the others too.
-- Writes: reservations (1 row); slot_days follows by trigger.
create or replace function ticketing.book_slot_atomically(
  p_business_id uuid, p_date date, p_slot_time text, p_party_size integer, p_reservation_name text,
  p_phone_number text default null, p_seating_preference text default null, p_special_requests text default null,
  p_is_offer_based boolean default false, /* the vault's alone: */ p_idempotency_key text default null
) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_problem text := ticketing.booking_problem(p_business_id, p_date, p_slot_time, p_reservation_name, p_phone_number,
    p_seating_preference, p_special_requests);
  v_key record;
  v_time time;
  -- Null for the house itself, which has no limit a person and may book a time that is past.
  v_guest_id uuid := case when not v_caller.is_trusted and not ticketing.works_for(v_caller.user_id, p_business_id) then v_caller.user_id end;
  v_at record;
  v_slot_id uuid;
  v_slot record;
  v_reservation_id uuid;
  v_constraint text;
begin
  if v_caller.user_id is null and not v_caller.is_trusted then
    return ticketing.refused('UNAUTHORIZED');
  elsif v_problem is not null then
    return ticketing.refused('INVALID_REQUEST', v_problem);
  elsif p_party_size is null or p_party_size not between 1 and 1000 then
    return ticketing.refused('INVALID_PARTY_SIZE');
  end if;
  v_time := p_slot_time::time;
  v_key := ticketing.judge_key(v_caller, p_business_id, p_idempotency_key, jsonb_build_array('booking', p_business_id, p_date, v_time,
    p_party_size, p_reservation_name, p_phone_number, p_seating_preference, p_special_requests, p_is_offer_based));
  if v_key.refusal is not null then
    return ticketing.refused(v_key.refusal);
  elsif v_key.made_id is not null then
    return ticketing.booking_answer(v_key.made_id) || '{"replayed": true}';
  end if;
  if not exists (select from ticketing.slots_on(p_business_id, p_date)) then
    return ticketing.refused('NO_SLOTS');
  end if;
  v_at := ticketing.slots_for(p_business_id, p_date, v_time, p_party_size);
  if v_at.party_max is null then
    return ticketing.refused('TIME_NOT_IN_SLOT');
  elsif v_at.is_past and v_guest_id is not null then
    return ticketing.refused('TIME_PASSED');
  elsif v_at.slot_ids is null then
    return ticketing.refused('PARTY_TOO_LARGE') || jsonb_build_object('max_party_size', v_at.party_max);
  end if;

  foreach v_slot_id in array v_at.slot_ids loop
    perform ticketing.lock_key('slot:' || v_slot_id || ':' || to_char(p_date, 'YYYY-MM-DD'));
    perform ticketing.limit_wait();
    perform from public.slots s where s.id = v_slot_id for no key update;
  end loop;
  v_slot := ticketing.best_slot(p_business_id, p_date, v_time, v_at.slot_ids, p_party_size, v_guest_id);
  if v_slot.id is null then
    return ticketing.refused('TIME_NOT_IN_SLOT');
  elsif v_slot.is_beyond then
    return ticketing.refused('LIMIT_EXCEEDED', 'More covers than one guest may book on one evening.');
  elsif p_party_size > v_slot.room then
    return ticketing.refused('SLOT_FULL');
  end if;
  insert into public.reservations (business_id, slot_id, date, preferred_time, user_id, party_size, reservation_name,
      phone_number, seating_preference, special_requests, is_offer_based, request_key, request_fingerprint)
    values (p_business_id, v_slot.id, p_date, v_time, v_caller.user_id, p_party_size, p_reservation_name,
      p_phone_number, p_seating_preference, p_special_requests, coalesce(p_is_offer_based, false), v_key.request_key,
      v_key.fingerprint)
    returning id into v_reservation_id;
  return ticketing.booking_answer(v_reservation_id) || '{"replayed": false}';
exception
  when check_violation then
    return ticketing.refused('SLOT_FULL');
  when unique_violation then
    get stacked diagnostics v_constraint = constraint_name;
    -- Two bookings of one code, once in a trillion: the next try draws another.
    return case v_constraint when 'uniq_booking_request_key' then ticketing.reused_key()
      else ticketing.refused('LOCK_TIMEOUT') end;
  when lock_not_available or deadlock_detected then
    return ticketing.refused('LOCK_TIMEOUT');
end
$$;

-- slots_for: the slots at a time that take such a party, the largest party that any takes, and whether the minute is past.
create or replace function ticketing.slots_for(p_business_id uuid, p_date date, p_time time, p_party_size integer,
  out slot_ids uuid[], out party_max integer, out is_past boolean)
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  select array_agg(s.id order by s.id) filter (where p_party_size <= s.max_party_size), max(s.max_party_size),
      bool_and(s.starts_at + interval '1 minute' <= clock_timestamp())
    into slot_ids, party_max, is_past from ticketing.slots_at(p_business_id, p_date, p_time) s;
end
$$;

-- best_slot: of the slots that are locked one that takes the guest once more, with the most room, then the earliest; all null
-- where none is open any more. p_guest_id: null for the house itself, which has no limit a person. Volatile, as it reads afresh
-- what the caller has waited for.
create or replace function ticketing.best_slot(
  p_business_id uuid, p_date date, p_time time, p_slot_ids uuid[], p_party_size integer, p_guest_id uuid,
  out id uuid, out room integer, out is_beyond boolean)
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  select s.id, s.capacity - coalesce(d.booked_people, 0) as left_over, p_guest_id is not null and s.max_per_person is not null
      and p_party_size + ticketing.covers_of(p_guest_id, s.id, p_date) > s.max_per_person as beyond
    into id, room, is_beyond
    from ticketing.slots_at(p_business_id, p_date, p_time) s
    left join ticketing.slot_days d on d.slot_id = s.id and d.date = p_date
    where s.id = any (p_slot_ids) and p_party_size <= s.max_party_size
    order by beyond, left_over desc, s.time_from, s.id limit 1;
end
$$;

-- booking_answer: what its guest is told about a booking, as it is now.
create or replace function ticketing.booking_answer(p_reservation_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('success', true, 'reservation_id', r.id, 'confirmation_code', r.confirmation_code,
      'qr_token', r.qr_token, 'preferred_time', to_char(r.preferred_time, 'HH24:MI'),
      'starts_at', ticketing.first_instant(r.date + (r.preferred_time < s.time_from)::integer + r.preferred_time, b.time_zone),
      'slot_time_from', to_char(s.time_from, 'HH24:MI'), 'max_party_size', s.max_party_size, 'status', r.status)
    from public.reservations r
    join public.slots s on s.id = r.slot_id
    join public.businesses b on b.id = r.business_id
    where r.id = p_reservation_id);
end
$$;

-- booking_problem: why a request cannot be one, before anything is looked up; null where it can.
create or replace function ticketing.booking_problem(
  p_business_id uuid, p_date date, p_slot_time text, p_name text, p_phone text, p_seating text, p_requests text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_ahead interval := (select s.booking_ahead from ticketing.settings s);
begin
  return case
    when p_business_id is null or p_date is null or p_slot_time is null or coalesce(p_name, '') !~ '\S'
      then 'A business, a date, a time (HH:MM) and a name are needed.'
    when p_slot_time !~ '^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$' then 'A time is HH:MM.'
    when p_date not between current_date - v_ahead and current_date + v_ahead then 'The date is too far away.'
    when length(p_name) > 200 then 'A name has at most 200 characters.'
    when length(p_phone) > 50 then 'A phone number has at most 50 characters.'
    when length(p_seating) > 200 then 'A seating preference has at most 200 characters.'
    when length(p_requests) > 2000 then 'Special requests have at most 2000 characters.'
  end;
end
$$;

-- covers_of: how many a guest has booked of a slot on one evening.
create or replace function ticketing.covers_of(p_user_id uuid, p_slot_id uuid, p_date date) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (select coalesce(sum(r.party_size), 0) from public.reservations r
    where r.slot_id = p_slot_id and r.date = p_date and r.user_id = p_user_id and r.status in ('confirmed', 'checked_in'));
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

-- slots_at: those of them that are open at a time that the house's clock shows, and not over yet. A time after midnight is the
-- next day's.
create or replace function ticketing.slots_at(p_business_id uuid, p_date date, p_time time)
returns table (id uuid, time_from time, capacity integer, max_party_size integer, max_per_person integer, starts_at timestamptz)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s.id, s.time_from, s.capacity, s.max_party_size, s.max_per_person, i.starts_at
  from ticketing.slots_on(p_business_id, p_date) s
  join public.businesses b on b.id = s.business_id
  cross join lateral ticketing.first_instant(p_date + (p_time < s.time_from)::integer + p_time, b.time_zone) as i(starts_at)
  cross join lateral ticketing.slot_evening(s.id, p_date) e
  where i.starts_at is not null and e.ends_at > clock_timestamp()
    and ticketing.is_open(s.time_from, s.time_to, p_time)
$$;
