-- Offers and tables: one claim a person, and the clock by which a house opens.

-- Any zone that PostgreSQL knows; the conversion raises (22023) for what is none.
create domain ticketing.time_zone as text check ((timestamptz 'epoch' at time zone value) is not null);
alter table public.businesses add column time_zone ticketing.time_zone not null default 'UTC';

alter table public.discounts add column one_claim_per_person boolean not null default false;
-- What the offer said when the claim was made; copied by trigger, so that the index below can ask it.
alter table public.offer_claims add column one_per_person boolean not null default false;
create unique index uniq_claim_person on public.offer_claims (discount_id, user_id) where one_per_person and status <> 'released';
