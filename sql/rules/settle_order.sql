-- settle_order: what follows from the facts of an order, whatever happened: refunds of what is owed back, books, status. Every
-- verb that changes a ticket, a refund or a dispute of a paid order ends with it. p_cause names what happened, for the books.
-- The caller has the order's lock.
-- Writes: refunds, ledger_entries, orders.
create or replace function ticketing.settle_order(p_order_id uuid, p_cause text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.queue_owed(p, false) from ticketing.payments p where p.order_id = p_order_id and p.status <> 'unmatched';
  perform ticketing.level_books(p_order_id, p_cause);
  perform ticketing.note_refunds(p_order_id);
end
$$;

-- queue_owed: the refund of what a payment owes and nobody sends, at most one at a time, by its unique index too. One that
-- failed is followed by another, with a key of its own: an hour later, and twice as long after each of ours that failed, up to a
-- day; after ten of ours it stays, the law shows it, and it is sent again where staff asks (p_asked). One that was never sent follows what is owed.
-- Answers the refund that waits or is on its way; null where there is none. The job sends it.
create or replace function ticketing.queue_owed(p_payment ticketing.payments, p_asked boolean) returns ticketing.refunds
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_owed bigint;
  v_refund ticketing.refunds;
  v_failed integer;
begin
  select * into v_refund from ticketing.refunds r
    where r.payment_id = p_payment.id and r.cause not in ('staff', 'dashboard') and r.status in ('queued', 'pending')
    limit 1 for no key update;
  v_owed := (ticketing.money_of(p_payment)).owed;
  if v_refund.id is not null then
    if v_refund.status = 'queued' and v_refund.asked = 0 and v_owed <> 0 then
      delete from ticketing.refunds r where r.id = v_refund.id and v_owed + v_refund.amount_cents <= 0;
      update ticketing.refunds r set amount_cents = v_refund.amount_cents + v_owed where r.id = v_refund.id returning * into v_refund;
    end if;
    return v_refund;
  end if;
  select count(*) into v_failed from ticketing.refunds r where r.payment_id = p_payment.id and r.status = 'failed'
    and r.cause not in ('staff', 'dashboard');
  if v_owed > 0 and (v_failed < 10 or p_asked) then
    insert into ticketing.refunds (payment_id, order_id, event_id, amount_cents, currency, cause, ask_at)
      select p_payment.id, p_payment.order_id, p_payment.event_id, v_owed, p_payment.currency, coalesce(p_payment.reason, 'OWED'),
        clock_timestamp() + case when p_asked or not exists (
            select from ticketing.refunds r where r.payment_id = p_payment.id and r.status = 'failed') then interval '0'
          else least(interval '1 hour' * 2 ^ v_failed, interval '1 day') end
      on conflict do nothing returning * into v_refund;
  end if;
  return v_refund;
end
$$;

-- level_books: book what the accounts of an order lack to say where its money is: each account by itself, so that no order of
-- events can leave one right and another wrong. What went without a ticket comes out of the tickets, then out of the fees.
create or replace function ticketing.level_books(p_order_id uuid, p_cause text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_accounts constant text[] := '{captured,refunds,disputed,pending,tickets,fees}';
  v_due record;
  v_amounts bigint[];
  v_times integer;
begin
  for v_due in
    select p.currency, sum(p.amount_cents)::bigint as captured, sum(m.sent)::bigint as sent, sum(m.disputed)::bigint as disputed,
      sum(m.pending)::bigint as pending, sum(m.tickets)::bigint as tickets, sum(m.fees)::bigint as fees,
      sum(m.tickets + m.fees + m.sent + m.disputed + m.pending - p.amount_cents)::bigint as short
    from ticketing.payments p cross join lateral ticketing.money_of(p) m
    where p.order_id = p_order_id and p.status <> 'unmatched' group by p.currency
  loop
    select array_agg(d.amount - coalesce(b.amount, 0) order by d.ordinal) into v_amounts
      from unnest(array[v_due.captured, -v_due.sent, -v_due.disputed, -v_due.pending,
        least(v_due.short, v_due.tickets) - v_due.tickets,
        v_due.short - least(v_due.short, v_due.tickets) - v_due.fees]) with ordinality d(amount, ordinal)
      left join (select e.account, sum(e.amount_cents)::bigint as amount from ticketing.ledger_entries e
        where e.order_id = p_order_id and e.currency = v_due.currency group by e.account) b on b.account = v_accounts[d.ordinal];
    continue when v_amounts = '{0,0,0,0,0,0}';
    -- A cause is booked once: what happens again is named by how often it did.
    select count(distinct e.transaction_id) into v_times from ticketing.ledger_entries e
      where e.order_id = p_order_id and (e.cause = p_cause or starts_with(e.cause, p_cause || ' #'));
    perform ticketing.book(p_order_id, v_due.currency, p_cause || case when v_times > 0 then ' #' || v_times + 1 else '' end,
      v_accounts, v_amounts);
  end loop;
end
$$;

-- note_refunds: the status of an order follows its tickets and its money: `refunded` only when no money is left to go and
-- no dispute has any of it. Write skew: the order's row is written also where it stays as it is, so that whoever derives from an
-- older snapshot is told to retry (40001).
create or replace function ticketing.note_refunds(p_order_id uuid) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update public.orders o set status = n.status
  from (
    select case
      when m.amount > 0 and m.sent >= m.amount then 'refunded'
      when not t.is_living and t.is_refunded and m.pending = 0 and m.disputed = 0 then 'refunded'
      when not t.is_living and (not t.is_refunded or m.disputed > 0) then 'cancelled'
      when m.sent > 0 or t.is_refunded and m.pending = 0 then 'partially_refunded'
      else 'paid' end as status
    from public.orders p
    cross join lateral (
      select coalesce(bool_or(k.status in ('valid', 'used', 'refunding')), false) as is_living,
        coalesce(bool_or(k.status = 'refunded'), false) as is_refunded
      from public.tickets k where k.event_id = p.event_id and k.order_id = p.id) t
    cross join lateral (
      select coalesce(sum(k.amount_cents), 0) as amount, coalesce(sum(f.sent), 0) as sent, coalesce(sum(f.pending), 0) as pending,
        coalesce(sum(f.disputed), 0) as disputed
      from ticketing.payments k cross join lateral ticketing.money_of(k) f where k.order_id = p.id and k.status = 'kept') m
    where p.id = p_order_id and p.tickets_issued_at is not null) n
  where o.id = p_order_id
$$;
