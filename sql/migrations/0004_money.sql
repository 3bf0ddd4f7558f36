-- Money: what an event costs, how an order is paid, what the provider said, and the books.
--
-- Amounts are the currency's minor units as Stripe counts them. One currency an event: a tier's is its event's.

do $migration$ begin
if not ticketing.begin_migration('0004_money') then return; end if;

-- Made anew with other parameters.
drop function if exists ticketing.hold_tiers(text, uuid, uuid[], integer[], integer);
drop function if exists ticketing.judge_tier(uuid, integer, integer, timestamptz);
drop function if exists ticketing.place_free_order(uuid, uuid[], integer[], uuid, jsonb, text, jsonb, text);

alter table public.events
  add column currency ticketing.currency not null default 'EUR',
  add column fee_fixed_cents ticketing.amount not null default 0,
  add column fee_basis_points integer not null default 0 check (fee_basis_points between 0 and 10000),
  add constraint uniq_event_currency unique (id, currency);
do $currencies$
declare
  v_slugs text := (select string_agg(e.slug, ', ') from public.events e
    where (select count(distinct t.currency) from public.ticket_tiers t where t.event_id = e.id) > 1);
begin
  if v_slugs is not null then
    raise exception 'these events have tiers of several currencies, and one event has one: %', v_slugs
      using errcode = '23514', hint = 'Give each event tiers of one currency, then install again.';
  end if;
end
$currencies$;
update public.events e set currency = t.currency
  from (select event_id, min(currency) as currency from public.ticket_tiers group by event_id) t where t.event_id = e.id;
alter table public.ticket_tiers
  add column max_per_person ticketing.quantity,
  add constraint fk_tier_currency foreign key (event_id, currency) references public.events (id, currency) on update cascade;
drop index public.idx_ticket_tiers_event;
create index idx_ticket_tiers_event on public.ticket_tiers (event_id, currency);

-- A guest who says neither name nor address is asked by the provider.
alter table public.orders alter column customer_email drop not null, alter column customer_name drop not null;
alter table public.orders
  add column subtotal_cents bigint not null default 0 check (subtotal_cents >= 0),
  add column fees_cents bigint not null default 0 check (fees_cents >= 0),
  -- What the buyer was told: until then the order can surely be paid. Null for what is paid at once.
  add column expires_at timestamptz,
  add column extended_at timestamptz,
  -- Opens the order's page for whoever knows it: 122 random bits.
  add column secret text not null default replace(gen_random_uuid()::text, '-', '');
update public.orders set subtotal_cents = total_cents;
alter table public.orders add constraint check_order_total check (total_cents = subtotal_cents + fees_cents);
create unique index uniq_order_secret on public.orders (secret);
-- Not the event first: a check of a foreign key to an order would take this index, and read all orders of the event.
create index idx_orders_person on public.orders (lower(customer_email), event_id);
-- The job that ends orders walks the few that wait.
create index idx_orders_pending on public.orders (expires_at) where status = 'pending';

alter table public.order_items add column unit_fee_cents ticketing.amount not null default 0;

-- How long things last. One row; the operator's decision, never a session's.
create table ticketing.settings (
  only_row boolean primary key default true check (only_row),
  -- A cart is the buyer's for this long …
  hold_lifetime interval not null default '15 minutes',
  -- … and once for this much longer, when less than `extend_below` is left.
  hold_extension interval not null default '10 minutes',
  extend_below interval not null default '4 minutes',
  -- Stripe refuses sessions of less than 30 minutes: what is more is how late the call may arrive, after an outage.
  session_lifetime interval not null default '46 minutes',
  -- When the provider is asked about an open session of which nothing was heard.
  ask_after interval not null default '2 minutes',
  -- After the session has surely ended: clocks differ, and events need a moment.
  payment_margin interval not null default '2 minutes',
  -- A delayed method (a bank debit) was authorised by the buyer and needs days to pay.
  delayed_payment_lifetime interval not null default '7 days',
  constraint check_session_outlives_hold check (
    hold_lifetime > interval '0' and hold_extension >= interval '0' and ask_after > interval '0'
    and payment_margin >= interval '0'
    and session_lifetime >= hold_lifetime + hold_extension)
);
insert into ticketing.settings default values;

-- A try to have an order paid. Everything of the call is stored before it is made, so that a retry repeats it to the letter.
create table ticketing.checkout_sessions (
  order_id uuid not null references public.orders (id) on delete cascade,
  attempt integer not null check (attempt between 1 and 20),
  -- creating: the provider's answer is not known yet. refused: there is no session.
  status text not null default 'creating' check (status in ('creating', 'open', 'complete', 'expired', 'refused')),
  parameters jsonb not null,
  livemode boolean not null default false,
  session_id text unique check (length(session_id) between 1 and 255),
  url text check (length(url) <= 4000),
  expires_at timestamptz not null,
  -- When the job looks at it next; null when nothing is left to do.
  ask_at timestamptz,
  asked integer not null default 0,
  last_error text,
  created_at timestamptz not null default now(),
  primary key (order_id, attempt)
);
create index idx_checkout_sessions_ask on ticketing.checkout_sessions (ask_at) where ask_at is not null;

-- Money that reached the provider. kept: it pays its order. returned: it goes back, its refund is queued. unmatched: about
-- no order of ours; shown to staff, never refunded by itself.
create table ticketing.payments (
  id text primary key check (length(id) between 1 and 255),
  order_id uuid references public.orders (id),
  event_id uuid references public.events (id),
  session_id text,
  amount_cents bigint not null check (amount_cents >= 0),
  currency text not null,
  livemode boolean not null default false,
  status text not null check (status in ('kept', 'returned', 'unmatched')),
  -- Why it goes back: SECOND_PAYMENT, AMOUNT_MISMATCH, EVENT_CANCELLED, TOO_LATE.
  reason text,
  -- What the provider says it sent back so far, and when the job asks it for refunds that we do not know; null when all are.
  refunded_cents bigint not null default 0,
  ask_at timestamptz,
  asked integer not null default 0,
  created_at timestamptz not null default now(),
  check (status = 'unmatched' or order_id is not null),
  check ((status = 'returned') = (reason is not null))
);
create unique index uniq_kept_payment_order on ticketing.payments (order_id) where status = 'kept';
create index idx_payments_order on ticketing.payments (order_id);
create index idx_payments_event on ticketing.payments (event_id);
create index idx_payments_ask on ticketing.payments (ask_at) where ask_at is not null;

-- Money on its way back. Its id is the key of our call, so a retry cannot pay twice. What names a payment is no foreign key:
-- the payments' primary key is a protection, and nothing leans on it but the promise.
create table ticketing.refunds (
  id uuid primary key default gen_random_uuid(),
  -- Null where nothing was paid: free tickets go back too.
  payment_id text,
  order_id uuid not null references public.orders (id),
  event_id uuid not null references public.events (id),
  amount_cents bigint not null check (amount_cents >= 0),
  currency text not null,
  -- How much more was sent back than the tickets cost that went: a partial refund from the provider's dashboard. Less than
  -- zero where tickets go for which a part had been sent back before.
  goodwill_cents bigint not null default 0,
  ticket_ids uuid[] not null default '{}',
  -- staff, dashboard, or why a payment was returned.
  cause text not null check (
    cause in ('staff', 'dashboard', 'SECOND_PAYMENT', 'AMOUNT_MISMATCH', 'EVENT_CANCELLED', 'TOO_LATE')),
  note text check (length(note) <= 500),
  requested_by uuid,
  status text not null default 'queued' check (status in ('queued', 'pending', 'succeeded', 'failed')),
  provider_refund_id text unique check (length(provider_refund_id) between 1 and 255),
  -- When the job sends it, or asks about it, next; null when nothing is left to do.
  ask_at timestamptz,
  asked integer not null default 0,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check (payment_id is not null or amount_cents = 0)
);
-- A payment that is returned is returned once.
create unique index uniq_return_payment on ticketing.refunds (payment_id)
  where cause not in ('staff', 'dashboard') and status <> 'failed';
create index idx_refunds_order on ticketing.refunds (order_id);
create index idx_refunds_payment on ticketing.refunds (payment_id);
create index idx_refunds_event on ticketing.refunds (event_id);
create index idx_refunds_ask on ticketing.refunds (ask_at) where ask_at is not null;

create table ticketing.disputes (
  id text primary key check (length(id) between 1 and 255),
  payment_id text not null,
  order_id uuid not null references public.orders (id),
  amount_cents bigint not null check (amount_cents >= 0),
  -- The part of it that was taken from the tickets' account; the rest from the fees'.
  tickets_cents bigint not null default 0,
  status text not null default 'open' check (status in ('open', 'won', 'lost')),
  created_at timestamptz not null default now(),
  closed_at timestamptz
);
create index idx_disputes_payment on ticketing.disputes (payment_id);
create index idx_disputes_order on ticketing.disputes (order_id);

-- The inbox: an event's id decides whether it was seen. Written in the transaction of its effect.
create table public.webhook_events (
  id text primary key check (length(id) between 1 and 255),
  type text not null check (length(type) between 1 and 200),
  order_id uuid,
  -- What became of it: a code such as ISSUED, RETURNED, EXPIRED, NO_CHANGE, UNMATCHED, IGNORED.
  outcome text not null,
  -- Kept whole only where a person must look: unmatched ones.
  payload jsonb,
  livemode boolean not null default false,
  received_at timestamptz not null default now()
);
create index idx_webhook_events_order on public.webhook_events (order_id) where order_id is not null;
-- Asked by every payment: did something about it come before it?
create index idx_webhook_events_early on public.webhook_events ((payload #>> '{data,object,payment_intent}'))
  where payload is not null;

-- The books. An entry of a transaction moves an amount to an account; what a transaction moves sums to zero.
--   captured  what the provider took for the order (positive)
--   pending   captured, and its end is not final: to be issued, or on its way back
--   tickets, fees, refunds, disputed  where it ended (negative: they owe it)
create table ticketing.ledger_entries (
  transaction_id uuid not null,
  account text not null check (account in ('captured', 'pending', 'tickets', 'fees', 'refunds', 'disputed')),
  order_id uuid not null references public.orders (id),
  event_id uuid not null references public.events (id),
  amount_cents bigint not null check (amount_cents <> 0),
  currency text not null,
  -- What caused it: 'payment:<id>', 'issue:<order>', 'refund:<id>', 'dispute:<id>' and what happened to it.
  cause text not null,
  created_at timestamptz not null default now(),
  primary key (transaction_id, account)
);
create index idx_ledger_entries_order on ticketing.ledger_entries (order_id, account);
create index idx_ledger_entries_event on ticketing.ledger_entries (event_id);
-- A cause is booked once.
create unique index uniq_ledger_cause on ticketing.ledger_entries (cause, account);

end $migration$;
