-- Cancelled events: what staff asked for, so that a job goes on with it after a crash.

do $migration$ begin
if not ticketing.begin_migration('0012_cancellations') then return; end if;

create table ticketing.cancellations (
  event_id uuid primary key references public.events (id),
  reason text check (length(reason) between 1 and 500),
  -- Tickets that were scanned are refunded as well.
  force boolean not null default false,
  requested_by uuid,
  created_at timestamptz not null default now(),
  -- When it was asked for last: a refund that the provider refused before that is tried again.
  asked_at timestamptz not null default now()
);

end $migration$;
