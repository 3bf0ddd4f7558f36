-- An offer and a table slot never take more people than they have places for.
-- Paste it into any SQL editor as the tables' owner: it raises where something is wrong, and leaves nothing behind.
begin;
insert into businesses (id, slug, name) values ('00000000-0000-0000-00fc-0000000000b0', 'functional-test', 'Functional test');
insert into events (id, business_id, slug, title, start_at, end_at, status)
  values ('00000000-0000-0000-00fc-0000000000e0', '00000000-0000-0000-00fc-0000000000b0', 'functional-test', 'Functional test',
    now() + interval '1 day', now() + interval '2 days', 'published');
insert into ticket_tiers (id, event_id, slug, name, total_quantity)
  values ('00000000-0000-0000-00fc-0000000000a0', '00000000-0000-0000-00fc-0000000000e0', 'floor', 'Floor', 5);

insert into discounts (id, business_id, title, total_people)
  values ('00000000-0000-0000-00fc-0000000000d0', '00000000-0000-0000-00fc-0000000000b0', 'Early bird', 4);
insert into slots (business_id, date, time_from, time_to, capacity, max_party_size)
  values ('00000000-0000-0000-00fc-0000000000b0', current_date + 30, '22:00', '02:00', 6, 4);
do $$
declare
  v_offer constant uuid := '00000000-0000-0000-00fc-0000000000d0';
  v_business constant uuid := '00000000-0000-0000-00fc-0000000000b0';
  v_booking jsonb;
begin
  assert (claim_offer_spots_atomically(v_offer, 3) ->> 'remaining')::integer = 1, 'one place is left';
  assert claim_offer_spots_atomically(v_offer, 2) ->> 'error' = 'INSUFFICIENT_SPOTS', 'two more do not fit';
  perform release_offer_spots(v_offer, 100);
  assert (select people_remaining from discounts where id = v_offer) = 4, 'all come back, and no more than all';
  v_booking := book_slot_atomically(v_business, current_date + 30, '00:30', 4, 'Night owls');
  assert (v_booking ->> 'success')::boolean, 'after midnight: ' || v_booking::text;
  assert book_slot_atomically(v_business, current_date + 30, '23:00', 3, 'Late') ->> 'error' = 'SLOT_FULL', 'three more do not fit';
  assert book_slot_atomically(v_business, current_date + 30, '20:00', 1, 'Early') ->> 'error' = 'TIME_NOT_IN_SLOT', 'not open yet';
  assert (cancel_reservation((v_booking ->> 'reservation_id')::uuid) ->> 'success')::boolean, 'the table is given back';
  assert (book_slot_atomically(v_business, current_date + 30, '23:00', 3, 'Late') ->> 'success')::boolean, 'and taken by others';
end
$$;

do $$
begin
  assert not exists (select from ticketing.broken_laws()), 'a law is broken: ' || (select string_agg(law, ', ') from ticketing.broken_laws());
end
$$;
rollback;
