-- Offers and tables: one claim a person, and the clock by which a house opens.

do $migration$ begin
if not ticketing.begin_migration('0007_table') then return; end if;

-- A zone by its name, Area/Place; the conversion raises (22023) for a name that PostgreSQL does not know. It would take a rule
-- in place of a name as well, "UTC+2" for two hours west: no rule is without a digit.
create domain ticketing.time_zone as text
  check (value ~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+)+)$' and (timestamptz 'epoch' at time zone value) is not null);
alter table public.businesses add column time_zone ticketing.time_zone not null default 'UTC';

alter table public.discounts add column one_claim_per_person boolean not null default false;
-- What the offer said when the claim was made; copied by trigger, so that the index below can ask it.
alter table public.offer_claims add column one_per_person boolean not null default false;
create unique index uniq_claim_person on public.offer_claims (discount_id, user_id) where one_per_person and status <> 'released';

end $migration$;
