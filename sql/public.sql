-- Written by `npm run generate` from the signatures of sql/verbs; a test compares the two.
-- The doors: what clients call by name. Each only passes on to the verb of its name in the vault, whose header says what it
-- answers. Invokers, so that the verb sees who is calling.

create or replace function public.reserve_tickets_atomically(p_tier_id uuid, p_quantity integer)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.reserve_tickets_atomically(p_tier_id, p_quantity);
end
$$;

create or replace function public.reserve_tickets_batch(p_reservations jsonb, p_session_id text default null,
    p_user_id uuid default null, p_expires_minutes integer default 15)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.reserve_tickets_batch(p_reservations, p_session_id, p_user_id, p_expires_minutes);
end
$$;

create or replace function public.release_tickets(p_tier_id uuid, p_quantity integer)
returns void language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.release_tickets(p_tier_id, p_quantity);
end
$$;

create or replace function public.extend_ticket_holds(p_session_id text, p_extend_minutes integer)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.extend_ticket_holds(p_session_id, p_extend_minutes);
end
$$;

create or replace function public.release_ticket_holds(p_session_id text)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.release_ticket_holds(p_session_id);
end
$$;

create or replace function public.claim_offer_spots_atomically(p_discount_id uuid, p_party_size integer)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.claim_offer_spots_atomically(p_discount_id, p_party_size);
end
$$;

create or replace function public.book_slot_atomically(p_business_id uuid, p_date date, p_slot_time text, p_party_size integer,
    p_reservation_name text, p_phone_number text default null, p_seating_preference text default null,
    p_special_requests text default null, p_is_offer_based boolean default false)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.book_slot_atomically(p_business_id, p_date, p_slot_time, p_party_size, p_reservation_name, p_phone_number,
    p_seating_preference, p_special_requests, p_is_offer_based);
end
$$;

create or replace function public.cancel_reservation(p_reservation_id uuid)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.cancel_reservation(p_reservation_id);
end
$$;

create or replace function public.cancel_claim(p_claim_id uuid)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.cancel_claim(p_claim_id);
end
$$;

create or replace function public.local_time(p_business_id uuid, p_local text)
returns timestamptz language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.local_time(p_business_id, p_local);
end
$$;

create or replace function public.release_offer_spots(p_discount_id uuid, p_party_size integer)
returns void language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform ticketing.release_offer_spots(p_discount_id, p_party_size);
end
$$;

create or replace function public.atomic_ticket_checkin(p_ticket_id uuid, p_staff_user_id uuid, p_event_id uuid default null)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.atomic_ticket_checkin(p_ticket_id, p_staff_user_id, p_event_id);
end
$$;

create or replace function public.scan_ticket_atomic(p_ticket_id uuid, p_scanned_by uuid, p_device_id text default null,
    p_scan_method text default 'qr', p_event_id uuid default null)
returns table (success boolean, already_scanned boolean, scanned_at timestamptz, scanned_by uuid,
    error_message text) language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.scan_ticket_atomic(p_ticket_id, p_scanned_by, p_device_id, p_scan_method, p_event_id);
end
$$;

create or replace function public.sync_offline_scan(p_ticket_id uuid, p_scanned_by uuid, p_scanned_at timestamptz,
    p_device_id text default null, p_event_id uuid default null)
returns table (success boolean, conflict_resolved boolean, already_scanned boolean, scanned_at timestamptz, scanned_by uuid,
    error_message text) language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.sync_offline_scan(p_ticket_id, p_scanned_by, p_scanned_at, p_device_id, p_event_id);
end
$$;

create or replace function public.double_admissions(p_event_id uuid)
returns table (ticket_id uuid, status text, counted jsonb,
    other jsonb) language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.double_admissions(p_event_id);
end
$$;

create or replace function public.expire_ticket_holds(p_limit integer default 1000)
returns integer language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.expire_ticket_holds(p_limit);
end
$$;

create or replace function public.disputed_orders(p_event_id uuid)
returns table (order_id uuid, dispute text, amount_cents bigint, currency text, created_at timestamptz, closed_at timestamptz,
    tickets jsonb) language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.disputed_orders(p_event_id);
end
$$;

create or replace function public.claim_order_ticketing(p_order_id uuid)
returns boolean language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.claim_order_ticketing(p_order_id);
end
$$;

create or replace function public.issue_order_tickets(p_order_id uuid)
returns jsonb language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return ticketing.issue_order_tickets(p_order_id);
end
$$;

create or replace function public.verify_protections()
returns table (guarantee text, protection text, kind text, object text, active boolean,
    detail text) language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.verify_protections();
end
$$;
