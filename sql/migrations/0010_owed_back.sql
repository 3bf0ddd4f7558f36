-- Owed back: what goes back follows from facts, never from a column that a mistake can fill.

do $migration$ begin
if not ticketing.begin_migration('0010_owed_back') then return; end if;

-- Made anew with other results.
drop function if exists ticketing.note_unmatched_payment(jsonb);
drop function if exists ticketing.price_of(uuid[]);

-- Made anew without these columns.
drop view if exists ticketing.law_books_balance;
drop view if exists ticketing.law_paid_once_issued_once;
alter table ticketing.refunds drop column goodwill_cents;
alter table ticketing.disputes drop column tickets_cents;

-- OWED: tickets are gone and their money is not. EVENT_OVER: paid after the last gate had closed.
alter table ticketing.refunds drop constraint refunds_cause_check, add constraint refunds_cause_check check (cause in
  ('staff', 'dashboard', 'OWED', 'SECOND_PAYMENT', 'AMOUNT_MISMATCH', 'EVENT_CANCELLED', 'EVENT_OVER', 'TOO_LATE'));

-- At most one that nobody asked for is on its way: a part that comes back later is sent again.
drop index ticketing.uniq_return_payment;
create unique index uniq_return_payment on ticketing.refunds (payment_id)
  where cause not in ('staff', 'dashboard') and status in ('queued', 'pending');

-- void: the gate refuses it, and its place stays taken; a cancelled one's is free.
alter domain ticketing.ticket_status drop constraint ticket_status_check;
alter domain ticketing.ticket_status add constraint ticket_status_check
  check (value in ('valid', 'used', 'refunding', 'void', 'cancelled', 'refunded'));
-- Tickets that staff took out of use without moving money.
create table ticketing.voids (
  id uuid primary key default gen_random_uuid(),
  order_id uuid not null references public.orders (id),
  event_id uuid not null references public.events (id),
  ticket_ids uuid[] not null,
  reason text not null check (length(reason) between 1 and 500),
  places_free boolean not null,
  requested_by uuid,
  created_at timestamptz not null default now()
);
create index idx_voids_order on ticketing.voids (order_id);
create index idx_voids_event on ticketing.voids (event_id);

-- Bounded: an entry of an index has at most a third of a page, and a stranger's event any length.
drop index public.idx_webhook_events_early;
create index idx_webhook_events_early on public.webhook_events (left(payload #>> '{data,object,payment_intent}', 255))
  where payload is not null;

end $migration$;
