-- succeed_refund: the money went. Ours takes its tickets with it; what a person sent back at the provider takes none, but
-- all that were not scanned once the whole payment is back.
create or replace function ticketing.succeed_refund(p_refund ticketing.refunds) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments;
  v_part record;
  v_accounts text[] := '{pending,refunds}';
  v_amounts bigint[] := array[p_refund.amount_cents, -p_refund.amount_cents];
  v_goodwill bigint := p_refund.goodwill_cents;
begin
  perform ticketing.lock_order_tickets(p_refund.order_id);
  select * into v_payment from ticketing.payments p where p.id = p_refund.payment_id;
  if p_refund.cause = 'dashboard' and v_payment.status = 'kept' then
    v_part := ticketing.from_sales(p_refund.order_id, p_refund.currency, p_refund.amount_cents, p_refund.amount_cents);
    v_accounts := '{tickets,fees,refunds}';
    v_amounts := array[v_part.tickets, v_part.fees, -p_refund.amount_cents];
    v_goodwill := p_refund.amount_cents;
  end if;
  perform ticketing.book(p_refund.order_id, p_refund.currency, 'refund:' || p_refund.id || ':succeeded', v_accounts, v_amounts);
  update ticketing.refunds r set status = 'succeeded', goodwill_cents = v_goodwill, ask_at = null, last_error = null,
      finished_at = clock_timestamp() where r.id = p_refund.id;
  update public.tickets t set status = 'refunded' where t.id = any (p_refund.ticket_ids) and t.status = 'refunding';
  perform ticketing.void_returned(v_payment);
  perform ticketing.note_refunds(p_refund.order_id);
end
$$;

-- fail_refund: the money did not go, or came back to us. Tickets that waited for it are the buyer's again; ones that had gone
-- stay gone, and their money, like a payment's that was to be returned, is sent again; what a person sent at the provider is
-- that person's to send again.
create or replace function ticketing.fail_refund(p_refund ticketing.refunds, p_error text) returns ticketing.refunds
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_payment ticketing.payments;
  v_cause text := 'refund:' || p_refund.id;
  v_was_sent boolean := p_refund.status = 'succeeded';
begin
  perform ticketing.lock_order_tickets(p_refund.order_id);
  select * into v_payment from ticketing.payments p where p.id = p_refund.payment_id;
  -- The opposite of all that was booked for it. It fails once, or once more where it was refused and yet had gone.
  perform ticketing.book(p_refund.order_id, p_refund.currency,
      v_cause || case when bool_or(b.has_failed) then ':failed again' else ':failed' end,
      array_agg(b.account), array_agg(b.amount))
    from (
      select e.account, -sum(e.amount_cents)::bigint as amount, bool_or(e.cause = v_cause || ':failed') as has_failed
      from ticketing.ledger_entries e
      where e.order_id = p_refund.order_id and starts_with(e.cause, v_cause) group by e.account) b
    having count(*) > 0;
  perform ticketing.level_sales(p_refund);
  update ticketing.refunds r set status = 'failed', ask_at = null, last_error = left(p_error, 1000),
      finished_at = clock_timestamp(), goodwill_cents = case when not v_was_sent then 0
        when v_payment.status = 'kept' then r.goodwill_cents - r.amount_cents else r.goodwill_cents end
    where r.id = p_refund.id returning * into p_refund;
  if not v_was_sent then
    perform ticketing.give_back_tickets(p_refund.ticket_ids);
  end if;
  perform ticketing.void_returned(v_payment);
  if v_payment.status = 'returned' then
    perform ticketing.queue_return(v_payment.id);
  elsif v_was_sent and p_refund.cause <> 'dashboard' then
    perform ticketing.queue_again(p_refund, v_payment);
  end if;
  perform ticketing.note_refunds(p_refund.order_id);
  return p_refund;
end
$$;

-- lock_order_tickets: all tickets of an order, ascending id, before the first of them is written: a gate that brings its scans
-- locks them in that order too.
create or replace function ticketing.lock_order_tickets(p_order_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_id uuid;
begin
  for v_id in
    select t.id from public.orders o join public.tickets t on t.event_id = o.event_id and t.order_id = o.id
    where o.id = p_order_id order by t.id
  loop
    perform ticketing.lock_scanned(v_id);
  end loop;
end
$$;

-- give_back_tickets: tickets that waited for money that did not go are the buyer's again. One that was scanned stays used; one
-- that a gate without network let in meanwhile, and was refused when it told so, is used too. Of all these scans the first counts.
create or replace function ticketing.give_back_tickets(p_ticket_ids uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_id uuid;
  v_scan public.scan_logs;
begin
  for v_id in
    select t.id from unnest(p_ticket_ids) k(id) join public.tickets t on t.id = k.id and t.status = 'refunding'
  loop
    select * into v_scan from public.scan_logs s where s.ticket_id = v_id and (s.offline or s.scan_success)
      order by ticketing.is_only_claimed(s), s.scanned_at, s.scan_success desc, s.recorded_at, s.claimed_at limit 1;
    update public.scan_logs s set scan_success = false, error_code = 'SUPERSEDED'
      where s.ticket_id = v_id and s.scan_success and s.id <> v_scan.id;
    update public.scan_logs s set scan_success = true, error_code = null where s.id = v_scan.id and not s.scan_success;
    update public.tickets t set status = case when v_scan.id is null then 'valid' else 'used' end,
        checked_in_at = v_scan.scanned_at, checked_in_by = v_scan.scanned_by
      where t.id = v_id;
  end loop;
end
$$;

-- level_sales: what a person sent back while this refund held its part came out of the fees for want of tickets; that is put
-- right when the part is free again.
create or replace function ticketing.level_sales(p_refund ticketing.refunds) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_part bigint;
begin
  select least(coalesce(sum(e.amount_cents) filter (where e.account = 'fees'), 0),
      -coalesce(sum(e.amount_cents) filter (where e.account = 'tickets'), 0))
    into v_part from ticketing.ledger_entries e where e.order_id = p_refund.order_id and e.currency = p_refund.currency;
  if v_part > 0 then
    perform ticketing.book(p_refund.order_id, p_refund.currency, 'level:' || p_refund.id, '{tickets,fees}',
      array[v_part, -v_part]);
  end if;
end
$$;

-- void_returned: where all of a kept payment has been sent back, every ticket that was not scanned goes too. What they cost
-- is no goodwill any more.
create or replace function ticketing.void_returned(p_payment ticketing.payments) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_ids uuid[];
  v_price record;
begin
  if p_payment.status is distinct from 'kept' or p_payment.amount_cents > (
      select coalesce(sum(r.amount_cents), 0) from ticketing.refunds r
      where r.payment_id = p_payment.id and r.status = 'succeeded') then
    return;
  end if;
  with voided as (
    update public.tickets t set status = 'refunded'
      where t.event_id = p_payment.event_id and t.order_id = p_payment.order_id and t.status = 'valid' returning t.id)
  select coalesce(array_agg(id), '{}') into v_ids from voided;
  v_price := ticketing.price_of(v_ids);
  update ticketing.refunds r set goodwill_cents = r.goodwill_cents - v_price.tickets - v_price.fees,
      ticket_ids = r.ticket_ids || v_ids
    where cardinality(v_ids) > 0 and r.id = (
      select s.id from ticketing.refunds s where s.payment_id = p_payment.id and s.status = 'succeeded'
      order by s.finished_at desc, s.id limit 1);
end
$$;

-- note_refunds: the status of an order follows its tickets and its money.
create or replace function ticketing.note_refunds(p_order_id uuid) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update public.orders o set status = n.status
  from (
    select case
      when not exists (select from public.tickets t where t.event_id = p.event_id and t.order_id = p.id
        and t.status in ('valid', 'used', 'refunding')) then 'refunded'
      when exists (select from ticketing.payments k where k.order_id = p.id and k.status = 'kept' and 0 < k.amount_cents
        and k.amount_cents <= (select sum(r.amount_cents) from ticketing.refunds r
          where r.payment_id = k.id and r.status = 'succeeded')) then 'refunded'
      when exists (select from public.tickets t where t.event_id = p.event_id and t.order_id = p.id and t.status = 'refunded')
        or exists (select from ticketing.refunds r join ticketing.payments k on k.id = r.payment_id and k.status = 'kept'
          where r.order_id = p.id and r.status = 'succeeded' and r.amount_cents > 0) then 'partially_refunded'
      else 'paid' end as status
    from public.orders p where p.id = p_order_id) n
  where o.id = p_order_id and o.status in ('paid', 'partially_refunded', 'refunded') and o.status <> n.status
$$;
