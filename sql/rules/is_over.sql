-- is_over: whether an event has ended, or lets nobody in any more: nothing is issued for it from then on, and its page says so.
create or replace function ticketing.is_over(p_event_id uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return exists (select from public.events e
    where e.id = p_event_id and least(e.end_at, e.entry_until) <= clock_timestamp());
end
$$;
