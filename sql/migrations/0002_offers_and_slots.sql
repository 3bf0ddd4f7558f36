-- The two smaller kinds of scarce thing: places in an offer, and covers in a table slot.

do $migration$ begin
if not ticketing.begin_migration('0002_offers_and_slots') then return; end if;

create table public.discounts (
  id uuid primary key,
  business_id uuid not null references public.businesses (id),
  title text not null check (length(title) between 1 and 200),
  -- Null is unlimited, for both.
  total_people integer check (total_people >= 0),
  claimed_people integer not null default 0,
  people_remaining integer generated always as (total_people - claimed_people) stored,
  active boolean not null default true,
  starts_at timestamptz,
  ends_at timestamptz,
  created_at timestamptz not null default now(),
  constraint check_claimed_people_fit check (claimed_people >= 0 and claimed_people <= total_people)
) with (fillfactor = 50);
create index idx_discounts_business on public.discounts (business_id);

create table public.offer_claims (
  id uuid primary key,
  discount_id uuid not null references public.discounts (id),
  user_id uuid,
  party_size integer not null check (party_size > 0),
  status text not null default 'claimed' check (status in ('claimed', 'released', 'redeemed')),
  created_at timestamptz not null default now()
);
create index idx_offer_claims_discount on public.offer_claims (discount_id, user_id);
create index idx_offer_claims_user on public.offer_claims (user_id);

-- A slot belongs to one date or to one weekday (0 = Sunday). One that ends at or before its start crosses midnight
-- and belongs to the evening on which it starts.
create table public.slots (
  id uuid primary key,
  business_id uuid not null references public.businesses (id),
  date date,
  weekday integer check (weekday between 0 and 6),
  time_from time not null,
  time_to time not null,
  capacity integer not null check (capacity >= 0),
  max_party_size integer not null check (max_party_size > 0),
  active boolean not null default true,
  created_at timestamptz not null default now(),
  constraint check_slot_date_or_weekday check ((date is null) <> (weekday is null))
);
create index idx_slots_business on public.slots (business_id);

-- What is booked of one slot on one evening; counted by trigger.
create table ticketing.slot_days (
  slot_id uuid not null references public.slots (id) on delete cascade,
  date date not null,
  capacity integer not null,
  booked_people integer not null default 0,
  primary key (slot_id, date),
  constraint check_booked_people_fit check (booked_people >= 0 and booked_people <= capacity)
) with (fillfactor = 50);

create table public.reservations (
  id uuid primary key,
  business_id uuid not null references public.businesses (id),
  slot_id uuid not null references public.slots (id),
  date date not null,
  preferred_time time not null,
  user_id uuid,
  party_size integer not null check (party_size > 0),
  reservation_name text not null check (length(reservation_name) between 1 and 200),
  phone_number text check (length(phone_number) <= 50),
  seating_preference text check (length(seating_preference) <= 200),
  special_requests text check (length(special_requests) <= 2000),
  is_offer_based boolean not null default false,
  status text not null default 'confirmed' check (status in ('confirmed', 'checked_in', 'cancelled')),
  confirmation_code text not null default upper(substr(replace(gen_random_uuid()::text, '-', ''), 1, 10)) unique,
  qr_token text not null default replace(gen_random_uuid()::text, '-', '') unique,
  created_at timestamptz not null default now()
);
create index idx_reservations_business on public.reservations (business_id, date);
create index idx_reservations_slot on public.reservations (slot_id, date);
create index idx_reservations_user on public.reservations (user_id);

end $migration$;
