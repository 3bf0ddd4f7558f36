-- copy_currency: a tier that names no currency has its event's. Its name comes before that of the trigger that judges the price.
create or replace function ticketing.copy_currency() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  -- Where there is no such event its foreign key says so.
  new.currency := coalesce((select e.currency from public.events e where e.id = new.event_id), 'EUR');
  return new;
end
$$;

create or replace trigger trg_add_currency before insert on public.ticket_tiers
  for each row when (new.currency is null) execute function ticketing.copy_currency();
