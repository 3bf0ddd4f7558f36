-- Whose a row is: event and business stand in each row that is moved with them, and a key counts per caller and business.
--
-- No foreign keys: the rows that these are copied from have them.

do $migration$ begin
if not ticketing.begin_migration('0017_whose') then return; end if;

-- Made anew with other parameters, or over other columns.
drop function if exists ticketing.judge_key(record, text, jsonb);
drop function if exists ticketing.price_cart(jsonb);
drop view if exists ticketing.law_same_request_same_answer;

alter table public.webhook_events add column event_id uuid, add column business_id uuid;
update public.webhook_events w set event_id = e.id, business_id = e.business_id
  from public.orders o join public.events e on e.id = o.event_id where o.id = w.order_id;

alter table ticketing.checkout_sessions add column event_id uuid, add column business_id uuid;
update ticketing.checkout_sessions s set event_id = e.id, business_id = e.business_id
  from public.orders o join public.events e on e.id = o.event_id where o.id = s.order_id;
alter table ticketing.checkout_sessions alter column event_id set not null, alter column business_id set not null;

alter table ticketing.disputes add column event_id uuid, add column business_id uuid;
update ticketing.disputes d set event_id = e.id, business_id = e.business_id
  from public.orders o join public.events e on e.id = o.event_id where o.id = d.order_id;
alter table ticketing.disputes alter column event_id set not null, alter column business_id set not null;

-- Null for unmatched ones, which are about no order of ours.
alter table ticketing.payments add column business_id uuid;
update ticketing.payments p set business_id = e.business_id from public.events e where e.id = p.event_id;

-- Of all scans from now on; null where neither the code nor the gate says whose it is. An undoing stays as it was written.
update public.scan_logs s set business_id = e.business_id
  from public.events e where e.id = s.event_id and s.business_id is null and s.undoes is null;

-- An offer is a business' and no event's.
alter table public.offer_claims add column business_id uuid;
update public.offer_claims c set business_id = d.business_id from public.discounts d where d.id = c.discount_id;
-- A slot as well.
alter table ticketing.slot_days add column business_id uuid;
update ticketing.slot_days d set business_id = s.business_id from public.slots s where s.id = d.slot_id;
alter table ticketing.slot_days alter column business_id set not null;

alter table public.idempotency_keys add column event_id uuid, add column business_id uuid;
update public.idempotency_keys k set event_id = e.id, business_id = e.business_id
  from public.orders o join public.events e on e.id = o.event_id where o.id = (k.answer ->> 'order_id')::uuid;
-- A key whose order is gone stays for its law to see.
update public.idempotency_keys set business_id = '00000000-0000-0000-0000-000000000000' where business_id is null;
alter table public.idempotency_keys drop constraint idempotency_keys_pkey,
  add constraint idempotency_keys_pkey primary key (caller, key, business_id);
update public.orders o set request_key = e.business_id || ':' || o.request_key
  from public.events e where e.id = o.event_id and o.request_key is not null;
update public.offer_claims set request_key = business_id || ':' || request_key where request_key is not null;
update public.reservations set request_key = business_id || ':' || request_key where request_key is not null;

end $migration$;
