-- validate_qr: judge what a gate of a business has read: a ticket, a claim of an offer or the booking of a table.
--
-- p_scan: {business_id, code: 32 hex digits or null, device_id, scan_id, presented: SHA-256 of what was read, event: id or slug of
-- the event at whose gate it was read, where it is one event's}; where a signed
-- token was read also {kind: ticket | claim | booking, kid, scope}, or `problem` where it could not be believed, UNREADABLE where
-- nothing that could be a code was read. A scan_id that is too long counts as its digest.
-- Answers, first that applies:
--   INVALID_REQUEST  no business or none that there is, or a field that cannot be what it says
--   UNAUTHORIZED     a guest
--   FORBIDDEN        a signed-in caller who does not work for the business
--   EVENT_NOT_FOUND  event names none of the business: the gate is set up wrongly
--   LOCK_TIMEOUT     busy for five seconds; try again
--   success          the scan was judged: {success: true, outcome, qr_type, details}, where outcome is the first that applies of
--     UNREADABLE     misread, or never a code of ours: scan again; details is {}
--     UNKNOWN        not one of ours, not signed by a living key, or another business's: nothing is learned, details is {}
--     WRONG_EVENT    a ticket of another event of the house, which the details name; nothing is used. Claims and bookings are
--                    the house's, at whatever gate
--     ADMITTED, also where the scan that admitted has this scan_id
--     UNDONE         staff undid the scan that has this scan_id: scan again, with another one
--     ALREADY_USED (details.checked_in_at says when, checked_in_device where, as far as it is known)
--     REFUNDED, REFUNDING, CANCELLED
--     EVENT_CANCELLED, TOO_EARLY, TOO_LATE
-- Locks:  the row of the ticket, claim or booking.
-- Writes: tickets, offer_claims or reservations; scan_logs: every judged scan, the refused ones too; one that is sent again and
-- told the same, once.
create or replace function ticketing.validate_qr(p_scan jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_caller record := ticketing.caller();
  v_business_id uuid;
  v_device_id text := left(p_scan ->> 'device_id', 200);
  v_scan_id text := ticketing.kept_scan_id(p_scan ->> 'scan_id');
  v_event_id uuid;
  v_code record;
  v_unknown public.scan_logs;
  v_outcome text;
  v_status text;
  v_checked_in_device text;
begin
  if ticketing.is_uuid(p_scan ->> 'business_id') is not true or p_scan ->> 'presented' !~ '^[0-9a-f]{64}$' then
    return ticketing.refused('INVALID_REQUEST', 'A business_id is needed; presented is a SHA-256 in hex.');
  elsif v_caller.user_id is null and not v_caller.is_trusted then
    return ticketing.refused('UNAUTHORIZED');
  end if;
  v_business_id := (p_scan ->> 'business_id')::uuid;
  if not v_caller.is_trusted and not ticketing.works_for(v_caller.user_id, v_business_id) then
    return ticketing.refused('FORBIDDEN');
  end if;
  if p_scan ->> 'event' is not null then
    select e.id into v_event_id from public.events e
      where e.id = ticketing.find_event(p_scan ->> 'event') and e.business_id = v_business_id;
    if v_event_id is null then
      return ticketing.refused('EVENT_NOT_FOUND');
    end if;
  end if;
  v_code := ticketing.find_code(v_business_id, p_scan);
  if v_code.kind = 'ticket' then
    select s.outcome, s.ticket_status, s.device_id into v_outcome, v_status, v_checked_in_device
      from ticketing.admit_ticket(v_code.id, v_caller.user_id, v_device_id, 'qr', true, v_scan_id, v_event_id) s;
  elsif v_code.kind = 'claim' then
    select s.outcome, s.device_id into v_outcome, v_checked_in_device
      from ticketing.redeem_claim(v_code.id, v_caller.user_id, v_device_id, v_scan_id) s;
  elsif v_code.kind = 'booking' then
    select s.outcome, s.device_id into v_outcome, v_checked_in_device
      from ticketing.check_in_booking(v_code.id, v_caller.user_id, v_device_id, v_scan_id) s;
  elsif not exists (select from public.businesses b where b.id = v_business_id) then
    return ticketing.refused('INVALID_REQUEST', 'There is no such business.');
  else
    v_unknown.business_id := v_business_id;
    v_unknown.presented_hash := p_scan ->> 'presented';
    v_unknown.scanned_by := v_caller.user_id;
    v_unknown.device_id := v_device_id;
    v_unknown.scan_id := v_scan_id;
    v_unknown.scan_method := 'qr';
    v_unknown.gate_event_id := v_event_id;
    v_outcome := case when p_scan ->> 'problem' = 'UNREADABLE' or p_scan ->> 'problem' is null
      and not ticketing.is_code(p_scan ->> 'code') then 'UNREADABLE' else 'UNKNOWN' end;
    perform ticketing.log_unknown_scan(v_unknown, v_outcome);
    return jsonb_build_object('success', true, 'outcome', v_outcome, 'qr_type', 'unknown', 'details', '{}'::jsonb);
  end if;
  if v_outcome = 'LOCK_TIMEOUT' then
    return ticketing.refused('LOCK_TIMEOUT');
  elsif v_outcome in ('NOT_FOUND', 'UNKNOWN') then
    -- Deleted by hand while the scan waited.
    return jsonb_build_object('success', true, 'outcome', 'UNKNOWN', 'qr_type', 'unknown', 'details', '{}'::jsonb);
  end if;
  return jsonb_build_object('success', true, 'qr_type', v_code.kind,
    'outcome', case v_outcome when 'INVALID_STATUS' then upper(v_status) else v_outcome end,
    'details', ticketing.code_details(v_code.kind, v_code.id) || case
      when v_outcome = 'ALREADY_USED' and v_checked_in_device is not null
        then jsonb_build_object('checked_in_device', v_checked_in_device)
      else '{}' end);
end
$$;

-- is_code: whether a text could be a code of ours at all.
create or replace function ticketing.is_code(p_text text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(p_text ~ '^[0-9a-f]{32}$', false)
$$;

-- find_code: what a code stands for at the gates of a business; a kind that is null where it stands for nothing there. A
-- plain code may be of any kind, a token says of which, and of which event, offer or business (scope).
create or replace function ticketing.find_code(p_business_id uuid, p_scan jsonb, out kind text, out id uuid)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_code text := p_scan ->> 'code';
  v_kind text := p_scan ->> 'kind';
  v_scope_id uuid;
begin
  if v_code is null or p_scan ->> 'problem' is not null or p_scan ->> 'kid' is not null and not exists (
      select from ticketing.code_keys k where k.kid::text = p_scan ->> 'kid' and k.revoked_at is null) then
    return;
  end if;
  if v_kind is null or v_kind = 'ticket' then
    select 'ticket', t.id, t.event_id into kind, id, v_scope_id
      from public.tickets t join public.events e on e.id = t.event_id
      where t.qr_code = v_code and e.business_id = p_business_id;
  end if;
  if kind is null and (v_kind is null or v_kind = 'claim') then
    select 'claim', c.id, c.discount_id into kind, id, v_scope_id
      from public.offer_claims c join public.discounts d on d.id = c.discount_id
      where c.qr_token = v_code and d.business_id = p_business_id;
  end if;
  if kind is null and (v_kind is null or v_kind = 'booking') then
    select 'booking', r.id, r.business_id into kind, id, v_scope_id
      -- No equality: on an empty table the planner would find the code through all bookings of the house.
      from public.reservations r where r.qr_token = v_code and r.business_id is not distinct from p_business_id;
  end if;
  if p_scan ->> 'scope' <> left(encode(sha256(v_scope_id::text::bytea), 'hex'), 8) then
    kind := null;
    id := null;
  end if;
end
$$;

-- code_details: what the door is shown; e-mail addresses are masked before they leave the database.
create or replace function ticketing.code_details(p_kind text, p_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return coalesce(jsonb_strip_nulls(case p_kind
    when 'ticket' then (
      select jsonb_build_object('id', k.id, 'tier_name', t.name, 'price_cents', i.unit_price_cents, 'currency', t.currency,
        'customer_name', o.customer_name, 'customer_email', ticketing.masked(o.customer_email),
        'event_id', e.id, 'event_title', e.title, 'event_start_at', e.start_at, 'checked_in_at', k.checked_in_at)
      from public.tickets k
        join public.ticket_tiers t on t.event_id = k.event_id and t.id = k.tier_id
        join public.events e on e.id = k.event_id
        join public.orders o on o.event_id = k.event_id and o.id = k.order_id
        join public.order_items i on i.event_id = k.event_id and i.id = k.order_item_id
      where k.id = p_id)
    when 'claim' then (
      select jsonb_build_object('id', c.id, 'offer_title', d.title, 'party_size', c.party_size,
        'checked_in_at', c.redeemed_at)
      from public.offer_claims c join public.discounts d on d.id = c.discount_id where c.id = p_id)
    when 'booking' then (
      select jsonb_build_object('id', r.id, 'customer_name', r.reservation_name, 'party_size', r.party_size, 'date', r.date,
        'preferred_time', to_char(r.preferred_time, 'HH24:MI'), 'seating_preference', r.seating_preference,
        'special_requests', r.special_requests, 'checked_in_at', r.checked_in_at)
      from public.reservations r where r.id = p_id) end), '{}');
end
$$;

-- masked: a***@example.org.
create or replace function ticketing.masked(p_email text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select left(p_email, 1) || '***' || coalesce(substring(p_email from '@[^@]*$'), '')
$$;
