-- The box office: who sells, what is for sale, and what was sold.
--
-- Big tables (holds, tickets, scan logs, orders) carry event_id and have version 7 ids, given as a default by
-- parts/write_uuid_v7.sql. Tiers also have unique (event_id, id), so that a hold cannot name another event's tier.

do $migration$ begin
if not ticketing.begin_migration('0001_box_office') then return; end if;

-- What a value may look like, checked where it is written. A CHECK of the table's own would be read and run again by every
-- update of the row, the counters' included.
create domain ticketing.slug as text check (value ~ '^[a-z0-9][a-z0-9-]{0,99}$');
create domain ticketing.label as text check (length(value) between 1 and 300);
create domain ticketing.currency as text check (value ~ '^[A-Z]{3}$');
create domain ticketing.session as text check (length(value) between 1 and 200);
create domain ticketing.amount as integer check (value >= 0);
create domain ticketing.quantity as integer check (value > 0);
create domain ticketing.capacity as integer check (value between 0 and 10000000);
create domain ticketing.tier_status as text check (value in ('active', 'paused', 'closed'));
create domain ticketing.hold_status as text check (value in ('active', 'converted', 'expired', 'released'));
create domain ticketing.ticket_status as text check (value in ('valid', 'used', 'refunding', 'cancelled', 'refunded'));

create table public.businesses (
  id uuid primary key,
  slug ticketing.slug not null unique,
  name ticketing.label not null,
  created_at timestamptz not null default now()
);

create table public.business_staff (
  business_id uuid not null references public.businesses (id) on delete cascade,
  user_id uuid not null,
  role text not null default 'door' check (role in ('owner', 'manager', 'door')),
  created_at timestamptz not null default now(),
  primary key (business_id, user_id)
);
create index idx_business_staff_user on public.business_staff (user_id);

create table public.events (
  id uuid primary key,
  business_id uuid not null references public.businesses (id),
  slug ticketing.slug not null unique,
  title ticketing.label not null,
  description text,
  start_at timestamptz not null,
  end_at timestamptz not null,
  date timestamptz generated always as (start_at) stored,
  venue text,
  city text,
  country text,
  category text,
  cover_image_url text,
  status text not null default 'draft' check (status in ('draft', 'published', 'cancelled')),
  created_at timestamptz not null default now(),
  constraint check_event_ends_after_start check (end_at > start_at)
);
create index idx_events_business on public.events (business_id);
create index idx_events_start on public.events (start_at);

-- The hot row of every sale. The counters move by trigger only; half of each page stays free so that an update
-- stays on it (no index holds a counter, so it is a heap-only one).
create table public.ticket_tiers (
  id uuid primary key,
  event_id uuid not null references public.events (id),
  slug ticketing.slug not null,
  name ticketing.label not null,
  price_cents ticketing.amount not null default 0,
  currency ticketing.currency not null default 'EUR',
  total_quantity ticketing.capacity not null,
  sold_quantity integer not null default 0,
  reserved_quantity integer not null default 0,
  max_per_order ticketing.quantity default 10,
  status ticketing.tier_status not null default 'active',
  active boolean generated always as (status = 'active') stored,
  sale_start_at timestamptz,
  sale_end_at timestamptz,
  created_at timestamptz not null default now(),
  constraint check_counters_not_negative check (sold_quantity >= 0 and reserved_quantity >= 0),
  constraint check_no_negative_availability check (total_quantity - sold_quantity - reserved_quantity >= 0),
  constraint check_reserved_lte_total check (reserved_quantity <= total_quantity),
  constraint check_sold_lte_total check (sold_quantity <= total_quantity),
  constraint check_sale_ends_after_start check (sale_end_at > sale_start_at),
  unique (event_id, id),
  unique (event_id, slug)
) with (fillfactor = 50);
create index idx_ticket_tiers_event on public.ticket_tiers (event_id);

create table public.orders (
  id uuid primary key,
  event_id uuid not null references public.events (id),
  user_id uuid,
  session_id ticketing.session not null,
  status text not null default 'pending'
    check (status in ('pending', 'paid', 'expired', 'cancelled', 'partially_refunded', 'refunded')),
  currency ticketing.currency not null,
  total_cents bigint not null check (total_cents >= 0),
  -- Minor units as Stripe counts them: ISK and UGX are written with two digits though they have none.
  total_amount numeric generated always as (trim_scale(total_cents / case
    when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF',
                      'XOF', 'XPF') then 1
    when currency in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 1000
    else 100 end::numeric)) stored,
  customer_email text not null check (length(customer_email) between 3 and 320),
  customer_name text not null check (length(customer_name) between 1 and 200),
  request_key text,
  ticketing_claimed_at timestamptz,
  tickets_issued_at timestamptz,
  created_at timestamptz not null default now(),
  paid_at timestamptz,
  unique (event_id, id)
);
create unique index uniq_order_request_key on public.orders (request_key);
create index idx_orders_user on public.orders (user_id);

create table public.order_items (
  id uuid primary key,
  order_id uuid not null,
  event_id uuid not null,
  tier_id uuid not null,
  quantity ticketing.quantity not null,
  unit_price_cents ticketing.amount not null,
  foreign key (event_id, order_id) references public.orders (event_id, id) on delete cascade,
  foreign key (event_id, tier_id) references public.ticket_tiers (event_id, id),
  unique (order_id, tier_id),
  unique (event_id, id)
);
create index idx_order_items_order on public.order_items (event_id, order_id);
create index idx_order_items_tier on public.order_items (event_id, tier_id);

-- A hold is found by session and tier (the unique index, through on conflict), or by tier and end when it is due.
-- The foreign key has no index of its own: a tier with holds is closed, not deleted, and the index costs a tenth
-- of the speed of a hot sale.
create table public.ticket_holds (
  id uuid primary key,
  event_id uuid not null,
  tier_id uuid not null,
  session_id ticketing.session not null,
  user_id uuid,
  order_id uuid,
  quantity ticketing.quantity not null,
  status ticketing.hold_status not null default 'active',
  expires_at timestamptz not null,
  extended_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  foreign key (event_id, tier_id) references public.ticket_tiers (event_id, id)
);
create unique index uniq_active_hold_session_tier on public.ticket_holds (session_id, tier_id) where status = 'active';
create index idx_ticket_holds_tier_active on public.ticket_holds (tier_id, expires_at) where status = 'active';
create index idx_ticket_holds_expiry on public.ticket_holds using brin (expires_at);
create index idx_ticket_holds_user on public.ticket_holds (user_id, tier_id) where status = 'active' and user_id is not null;
create index idx_ticket_holds_order on public.ticket_holds (order_id) where order_id is not null;

create table public.tickets (
  id uuid primary key,
  event_id uuid not null,
  tier_id uuid not null,
  order_id uuid not null,
  order_item_id uuid not null,
  ordinal ticketing.quantity not null,
  status ticketing.ticket_status not null default 'valid',
  -- 122 random bits: a code is never guessed, and the unique index never lets one be given twice.
  qr_code text not null default replace(gen_random_uuid()::text, '-', ''),
  checked_in_at timestamptz,
  checked_in_by uuid,
  created_at timestamptz not null default now(),
  foreign key (event_id, tier_id) references public.ticket_tiers (event_id, id),
  foreign key (event_id, order_id) references public.orders (event_id, id),
  foreign key (event_id, order_item_id) references public.order_items (event_id, id),
  constraint uniq_ticket_code unique (qr_code),
  constraint uniq_ticket_order_item_ordinal unique (order_item_id, ordinal)
);
create index idx_tickets_tier on public.tickets (event_id, tier_id);
create index idx_tickets_order on public.tickets (event_id, order_id);
create index idx_tickets_order_item on public.tickets (event_id, order_item_id);

-- Every judged scan, the refused ones too. One successful scan a ticket: the index is a protection of its own.
create table public.scan_logs (
  id uuid primary key,
  event_id uuid references public.events (id),
  ticket_id uuid references public.tickets (id),
  -- What was shown at the gate when it is no ticket of ours.
  presented_id uuid,
  scanned_by uuid,
  device_id text check (length(device_id) <= 200),
  scan_method text not null check (length(scan_method) between 1 and 50),
  scan_success boolean not null,
  error_code text,
  offline boolean not null default false,
  scanned_at timestamptz not null,
  -- When an offline scan was made by the clock of its gate, which may be wrong.
  claimed_at timestamptz,
  recorded_at timestamptz not null default now()
);
create unique index uniq_successful_scan on public.scan_logs (ticket_id) where scan_success;
create index idx_scan_logs_ticket on public.scan_logs (ticket_id);
create index idx_scan_logs_event on public.scan_logs (event_id);

-- A success kept under the caller's key, so that a retry gets what the first call won.
create table public.idempotency_keys (
  caller text not null,
  key text not null check (length(key) between 1 and 255),
  fingerprint text not null,
  answer jsonb not null,
  created_at timestamptz not null default now(),
  primary key (caller, key)
);

end $migration$;
