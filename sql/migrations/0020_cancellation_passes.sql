-- Cancelled events of many orders: each batch goes on where the last one ended.

do $migration$ begin
if not ticketing.begin_migration('0020_cancellation_passes') then return; end if;

alter table ticketing.cancellations
  -- The pass under way has looked at the orders up to this one; null before its first batch.
  add column passed_to uuid,
  -- When a whole pass found nothing to end.
  add column passed_at timestamptz;

end $migration$;
