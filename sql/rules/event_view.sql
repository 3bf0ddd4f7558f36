-- event_view: an event as its page shows it, with what may be bought of each tier now and why not. Pages compute nothing.
--   {id, slug, title, description, organiser, time_zone, start_at, end_at, venue, city, status, is_over, currency, tiers}
create or replace function ticketing.event_view(p_event public.events, p_now timestamptz) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('id', p_event.id, 'slug', p_event.slug, 'title', p_event.title,
      'description', p_event.description, 'organiser', b.name, 'time_zone', b.time_zone, 'start_at', p_event.start_at,
      'end_at', p_event.end_at, 'venue', p_event.venue, 'city', p_event.city, 'status', p_event.status,
      'is_over', p_event.end_at <= p_now, 'currency', p_event.currency,
      'tiers', (select coalesce(jsonb_agg(ticketing.tier_view(t, p_event, p_now) order by t.price_cents desc, t.name, t.id), '[]')
        from public.ticket_tiers t where t.event_id = p_event.id))
    from public.businesses b where b.id = p_event.business_id);
end
$$;

-- tier_view: availability of a tier, by the judgement that a hold of one ticket would get at this moment.
--   {id, name, price_cents, fee_cents, full_price_cents, max_per_order, availability, is_buyable, left, held, opens_at,
--    quantity_max}
--   availability  open      `left` can be bought now
--                 all_held  none is left, and `held` are in carts: asking makes sense, as what lapsed comes back then
--                 sold_out  every ticket is sold
--                 opens     the sale begins at opens_at
--                 closed    paused, over, or of an event that sells nothing
--   quantity_max  the most that one order may ask for
create or replace function ticketing.tier_view(p_tier public.ticket_tiers, p_event public.events, p_now timestamptz)
returns jsonb language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_facts record := ticketing.read_tier(p_tier.id);
  v_refusal text := ticketing.judge_tier(v_facts, 1, 0, p_now);
  v_left integer := greatest(v_facts.available, 0);
  v_fee bigint := ticketing.ticket_fee(p_tier.price_cents, p_event.fee_fixed_cents, p_event.fee_basis_points, p_tier.currency);
  v_availability text := case
    when v_refusal in ('TIER_NOT_FOUND', 'TIER_INACTIVE', 'EVENT_ENDED') or p_tier.sale_end_at <= p_now then 'closed'
    when p_tier.sold_quantity >= p_tier.total_quantity then 'sold_out'
    when v_refusal = 'SALE_NOT_OPEN' then 'opens'
    when v_refusal = 'INSUFFICIENT_TICKETS' then 'all_held'
    when v_refusal is null then 'open'
    else 'closed' end;
begin
  return jsonb_build_object('id', p_tier.id, 'name', p_tier.name, 'price_cents', p_tier.price_cents, 'fee_cents', v_fee,
    'full_price_cents', p_tier.price_cents + v_fee, 'max_per_order', p_tier.max_per_order, 'availability', v_availability,
    'is_buyable', v_availability in ('open', 'all_held'), 'left', v_left, 'held', p_tier.reserved_quantity,
    'opens_at', p_tier.sale_start_at, 'quantity_max', least(p_tier.max_per_order, 1000,
      case v_availability when 'open' then v_left else p_tier.total_quantity end));
end
$$;
