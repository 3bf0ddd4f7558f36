-- is_staff: whether a user works for the business that holds an event.
create or replace function ticketing.is_staff(p_user_id uuid, p_event_id uuid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from public.events e join public.business_staff s on s.business_id = e.business_id
    where e.id = p_event_id and s.user_id = p_user_id)
$$;

-- works_for: whether a user works for a business.
create or replace function ticketing.works_for(p_user_id uuid, p_business_id uuid) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (select from public.business_staff s where s.business_id = p_business_id and s.user_id = p_user_id)
$$;
