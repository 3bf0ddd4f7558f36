-- judge_tier: may this many of a tier be held, whoever asks? A pure decision over what read_tier has read.
--
-- Answers, first that applies:
--   TIER_NOT_FOUND        no such tier
--   TIER_INACTIVE         the tier is paused or closed, or its event is not published
--   EVENT_ENDED           the event is over
--   SALE_NOT_OPEN         before the sale starts, or after it ended
--   LIMIT_EXCEEDED        with what the session already holds it would be more than one order may have
--   INSUFFICIENT_TICKETS  fewer are left than asked for
--   null                  yes, as far as the tier goes: judge_holder judges who asks
-- Before the lock it is a first look; the decision is the call under the lock.
create or replace function ticketing.judge_tier(p_tier record, p_quantity integer, p_held integer, p_now timestamptz)
returns text language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return case
    when p_tier.event_id is null then 'TIER_NOT_FOUND'
    when p_tier.status <> 'active' or p_tier.event_status <> 'published' then 'TIER_INACTIVE'
    when p_tier.end_at <= p_now then 'EVENT_ENDED'
    -- A checkout of what is held already asks for none: the hold outlives the sale's window.
    when p_quantity > 0 and (p_tier.sale_start_at > p_now or p_tier.sale_end_at <= p_now) then 'SALE_NOT_OPEN'
    when p_held + p_quantity > p_tier.max_per_order then 'LIMIT_EXCEEDED'
    when p_tier.available < p_quantity then 'INSUFFICIENT_TICKETS'
  end;
end
$$;

-- judge_holder: may this person hold that many more of it? p_refusal is judge_tier's, p_held what the session has of the tier.
-- p_person_quantity: how many of it the person has (person_quantity), asked where the tier has a limit per person.
--
-- Answers, first that applies:
--   FORBIDDEN        the hold is being paid for, so it neither grows nor moves; or it is another user's. Whoever knows a
--                    guest's session id owns it; a signed-in user's is that user's alone
--   p_refusal
--   PERSON_REQUIRED  the tier has a limit per person, and nobody is named
--   LIMIT_EXCEEDED   it would be more than one person may have
--   null             yes
create or replace function ticketing.judge_holder(
  p_refusal text, p_tier record, p_quantity integer, p_held public.ticket_holds, p_user_id uuid, p_email text,
  p_person_quantity bigint) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  return case
    when p_held.order_id is not null then 'FORBIDDEN'
    when p_held.user_id <> p_user_id or p_held.user_id is not null and p_user_id is null then 'FORBIDDEN'
    when p_refusal is not null or p_tier.max_per_person is null then p_refusal
    when p_user_id is null and p_email is null then 'PERSON_REQUIRED'
    when p_quantity + p_person_quantity > p_tier.max_per_person then 'LIMIT_EXCEEDED'
  end;
end
$$;

-- read_tier: the facts that judge_tier decides by; event_id is null where there is no such tier.
create or replace function ticketing.read_tier(p_tier_id uuid) returns record
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_tier record;
begin
  select t.event_id, t.status, t.sale_start_at, t.sale_end_at, t.max_per_order, t.max_per_person,
      t.total_quantity - t.sold_quantity - t.reserved_quantity as available, e.status as event_status, e.end_at
    into v_tier
    from public.ticket_tiers t join public.events e on e.id = t.event_id
    where t.id = p_tier_id;
  return v_tier;
end
$$;
