-- Operations: what an operator watches is found by index, however many payments, refunds and events there were.

do $migration$ begin
if not ticketing.begin_migration('0025_operations') then return; end if;

create index idx_payments_unmatched on ticketing.payments (created_at) where status = 'unmatched';
create index idx_refunds_unfinished on ticketing.refunds (status, currency) where status <> 'succeeded';

end $migration$;
