-- book_slot_atomically: the door to ticketing.book_slot_atomically, whose header says what it answers.
create or replace function public.book_slot_atomically(
  p_business_id uuid, p_date date, p_slot_time text, p_party_size integer, p_reservation_name text,
  p_phone_number text default null, p_seating_preference text default null, p_special_requests text default
  null, p_is_offer_based boolean default false
) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.book_slot_atomically(p_business_id, p_date, p_slot_time, p_party_size, p_reservation_name,
    p_phone_number, p_seating_preference, p_special_requests, p_is_offer_based);
end
$$;
