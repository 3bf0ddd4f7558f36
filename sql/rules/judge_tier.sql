-- judge_tier: may this many of a tier be held now?
--
-- Answers in `refusal`, first that applies:
--   TIER_NOT_FOUND        no such tier
--   TIER_INACTIVE         the tier is paused or closed, or its event is not published
--   EVENT_ENDED           the event is over
--   SALE_NOT_OPEN         before the sale starts, or after it ended
--   LIMIT_EXCEEDED        with what the session already holds it would be more than one order may have
--   INSUFFICIENT_TICKETS  fewer are left than asked for
--   null                  yes, as far as one order goes: hold_tiers judges a limit per person
-- Reads only. Before the lock it is a first look; the decision is the call under the lock.
create or replace function ticketing.judge_tier(
  p_tier_id uuid, p_quantity integer, p_held integer, p_now timestamptz,
  out refusal text, out available integer, out event_id uuid, out max_per_person integer
)
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_tier record;
begin
  select t.event_id, t.status, t.sale_start_at, t.sale_end_at, t.max_per_order, t.max_per_person,
         t.total_quantity - t.sold_quantity - t.reserved_quantity as available,
         e.status as event_status, e.end_at
    into v_tier
    from public.ticket_tiers t join public.events e on e.id = t.event_id
    where t.id = p_tier_id;
  event_id := v_tier.event_id;
  max_per_person := v_tier.max_per_person;
  available := greatest(coalesce(v_tier.available, 0), 0);
  refusal := case
    when v_tier.event_id is null then 'TIER_NOT_FOUND'
    when v_tier.status <> 'active' or v_tier.event_status <> 'published' then 'TIER_INACTIVE'
    when v_tier.end_at <= p_now then 'EVENT_ENDED'
    when v_tier.sale_start_at > p_now or v_tier.sale_end_at <= p_now then 'SALE_NOT_OPEN'
    when p_held + p_quantity > v_tier.max_per_order then 'LIMIT_EXCEEDED'
    when v_tier.available < p_quantity then 'INSUFFICIENT_TICKETS'
  end;
end
$$;
