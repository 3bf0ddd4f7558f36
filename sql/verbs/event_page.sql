-- event_page: everything that an event's page shows: the event, and what may be bought of each tier now. Anybody may see it.
--
-- Answers, first that applies:
--   EVENT_NOT_FOUND  no event of this slug, or a draft
--   success          {success: true, event: event_view's}
create or replace function ticketing.event_page(p_slug text) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_event public.events;
begin
  select * into v_event from public.events e where e.slug = p_slug and e.status <> 'draft';
  if v_event.id is null then
    return ticketing.refused('EVENT_NOT_FOUND');
  end if;
  return jsonb_build_object('success', true, 'event', ticketing.event_view(v_event, clock_timestamp()));
end
$$;
