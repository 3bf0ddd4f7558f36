-- Requests at the table: asked again under one key, bounded in time and by person.

do $migration$ begin
if not ticketing.begin_migration('0009_table_requests') then return; end if;

-- Made anew with other parameters.
drop function if exists ticketing.claim_offer_spots_atomically(uuid, integer);
drop function if exists ticketing.book_slot_atomically(uuid, date, text, integer, text, text, text, text, boolean);
drop function if exists ticketing.slots_at(uuid, date, time);

-- The caller and its key, and what was asked: a claim may shrink, its request does not.
alter table public.offer_claims add column request_key text, add column request_fingerprint text;
create unique index uniq_claim_request_key on public.offer_claims (request_key);
alter table public.reservations add column request_key text, add column request_fingerprint text;
create unique index uniq_booking_request_key on public.reservations (request_key);

-- Covers that one guest may book of a slot on one evening; null: no limit.
alter table public.slots add column max_per_person integer check (max_per_person > 0);

alter table ticketing.settings
  -- A table is booked for an evening that is at most so far away.
  add column booking_ahead interval not null default '2 years' check (booking_ahead between interval '1 day' and interval '1000 years');

-- Where only the beginning is told, the end is a while after the event's.
alter table public.events add constraint check_entry_before_end check (entry_until is not null or entry_from < end_at);

end $migration$;
