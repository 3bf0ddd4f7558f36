-- find_event, find_tiers: an event or a tier may be named by its slug, a tier's within its event.
create or replace function ticketing.find_event(p_name text) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select e.id from public.events e
    where e.id = case when ticketing.is_uuid(p_name) then p_name::uuid end
       or e.slug = case when not ticketing.is_uuid(p_name) then p_name end);
end
$$;

-- find_tiers: the items as [{tier_id, quantity}]; a slug that is unknown becomes an id that no tier has.
create or replace function ticketing.find_tiers(p_event_id uuid, p_items jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select case when jsonb_typeof(p_items) = 'array' then (
      select jsonb_agg(jsonb_build_object('quantity', i.item -> 'quantity', 'tier_id', case
          when ticketing.is_uuid(i.item ->> 'tier') or i.item ->> 'tier' is null then i.item ->> 'tier'
          else coalesce((select t.id from public.ticket_tiers t where t.event_id = p_event_id and t.slug = i.item ->> 'tier'),
            '00000000-0000-0000-0000-000000000000')::text end) order by i.position)
      from jsonb_array_elements(p_items) with ordinality as i(item, position)) end);
end
$$;
