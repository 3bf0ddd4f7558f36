-- events_on_sale: the next events that sell, or will: at most 100, the soonest first. Anybody may see them.
-- Answers: [event_view's, …]
create or replace function ticketing.events_on_sale() returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  return (
    select coalesce(jsonb_agg(ticketing.event_view(e, v_now) order by e.start_at, e.slug), '[]')
    from (
      select * from public.events s
      where s.status = 'published' and s.end_at > v_now and exists (
        select from public.ticket_tiers t
        where t.event_id = s.id and t.status = 'active' and (t.sale_end_at > v_now) is not false)
      order by s.start_at, s.slug limit 100) e);
end
$$;
