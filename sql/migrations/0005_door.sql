-- The door: when it opens, who signs the codes, and scans of what is no ticket.

do $migration$ begin
if not ticketing.begin_migration('0005_door') then return; end if;

-- Made anew with other parameters.
drop function if exists ticketing.admit_ticket(uuid, uuid, text, text);

-- Null: the operator's times of ticketing.settings.
alter table public.events
  add column entry_from timestamptz,
  add column entry_until timestamptz,
  add constraint check_entry_ends_after_start check (entry_until > entry_from);

alter table ticketing.settings
  -- An event admits from so long before its start until so long after its end …
  add column entry_before interval not null default '24 hours',
  add column entry_after interval not null default '6 hours',
  -- … and a table is given from so long before its slot begins until the slot ends.
  add column booking_before interval not null default '2 hours';

-- The public halves of the keys that sign codes; the secret halves are never here. What a key signed admits until it is revoked.
create table ticketing.code_keys (
  public_key bytea primary key check (octet_length(public_key) = 32),
  -- A code has one byte for it. Null: it was revoked, and its number given again.
  kid smallint unique check (kid between 1 and 255),
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  constraint check_key_in_use_has_number check (kid is not null or revoked_at is not null)
);

alter table public.offer_claims
  add column qr_token text not null default replace(gen_random_uuid()::text, '-', ''),
  add column redeemed_at timestamptz,
  add column redeemed_by uuid,
  add constraint uniq_claim_code unique (qr_token);
alter table public.reservations
  add column checked_in_at timestamptz,
  add column checked_in_by uuid;

alter table public.scan_logs
  -- Whose gate it was, where no event says so.
  add column business_id uuid references public.businesses (id),
  add column claim_id uuid references public.offer_claims (id),
  add column reservation_id uuid references public.reservations (id),
  -- SHA-256 of a code that is not known here: enough to recognise it, too little to use it.
  add column presented_hash text check (length(presented_hash) = 64);
-- One successful scan a claim and a booking, as for tickets.
create unique index uniq_successful_scan_claim on public.scan_logs (claim_id) where scan_success and claim_id is not null;
create unique index uniq_successful_scan_booking on public.scan_logs (reservation_id)
  where scan_success and reservation_id is not null;
create index idx_scan_logs_business on public.scan_logs (business_id);
create index idx_scan_logs_claim on public.scan_logs (claim_id);
create index idx_scan_logs_reservation on public.scan_logs (reservation_id);

end $migration$;
