-- refuse_business_change: an event with tiers, or an offer with claims, stays with its business: its id stands in every row that was
-- made of it, and a key counts per business. Tiers and claims write the row of theirs, so that no snapshot is too old to see them.
-- A definer function: it sees all of them, whoever writes.
create or replace function ticketing.refuse_business_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  if tg_table_name = 'events' and exists (select from public.ticket_tiers t where t.event_id = old.id)
      or tg_table_name = 'discounts' and exists (select from public.offer_claims c where c.discount_id = old.id) then
    raise exception '% % stays with its business: something was made of it', tg_table_name, old.id
      using errcode = '23514', constraint = tg_name, table = tg_table_name, schema = 'public';
  end if;
  return new;
end
$$;

create or replace trigger trg_refuse_business_change before update of business_id on public.events
  for each row when (new.business_id <> old.business_id) execute function ticketing.refuse_business_change();
create or replace trigger trg_refuse_business_change before update of business_id on public.discounts
  for each row when (new.business_id <> old.business_id) execute function ticketing.refuse_business_change();
