-- sale_figures: what operating_figures says of events, holds and orders. An event is on sale from its publication to its end.
-- The most overdue hold is looked for tier by tier, in the index of those that are active.
create or replace function ticketing.sale_figures(p_events integer, p_now timestamptz) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  with event as materialized (
    select e.slug::text as slug, sum(t.total_quantity) as total, sum(t.sold_quantity) as sold, sum(t.reserved_quantity) as held
    from public.events e join public.ticket_tiers t on t.event_id = e.id
    where e.status = 'published' and e.end_at > p_now
    group by e.id, e.slug
  )
  select jsonb_build_object(
    'events_on_sale', count(*), 'total', coalesce(sum(total), 0), 'sold', coalesce(sum(sold), 0), 'held', coalesce(sum(held), 0),
    'events', (select coalesce(jsonb_agg(to_jsonb(top)), '[]') from (
      select * from event order by sold + held desc, slug limit p_events) top),
    'holds_overdue_seconds', ticketing.seconds_since((
      select min((select h.expires_at from public.ticket_holds h where h.tier_id = t.id and h.status = 'active'
        order by h.expires_at limit 1))
      from public.ticket_tiers t where t.reserved_quantity > 0), p_now),
    'holds_expired', (select count(*) from public.ticket_holds h
      where h.status = 'expired' and h.ended_at > p_now - interval '5 minutes'),
    'orders_pending', (select count(*) from public.orders o where o.status = 'pending'))
  from event
$$;

-- seconds_since: how long ago that was; 0 for what is to come and what never was.
create or replace function ticketing.seconds_since(p_at timestamptz, p_now timestamptz) returns numeric
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select greatest(0, coalesce(extract(epoch from p_now - p_at), 0))
$$;
