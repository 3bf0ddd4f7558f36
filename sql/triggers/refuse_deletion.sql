-- refuse_deletion: says what to do to whom deletes what something else was made of; the foreign keys stand behind it, and tell
-- only their names. A definer function: it sees all rows, whoever deletes.
create or replace function ticketing.refuse_deletion() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_what text;
  v_hint text;
begin
  case tg_table_name
    when 'ticket_tiers' then
      if exists (select from public.order_items i where i.event_id = old.event_id and i.tier_id = old.id) then
        v_what := 'orders';
        v_hint := 'Close the tier: status = closed.';
      elsif exists (select from public.ticket_holds h where h.tier_id = old.id) then
        v_what := 'holds';
        v_hint := 'Close the tier: status = closed.';
      end if;
    when 'events' then
      if exists (select from public.orders o where o.event_id = old.id) then
        v_what := 'orders';
        v_hint := 'Call the function cancel-event, which gives the money back, or hide it: status = draft.';
      elsif exists (select from public.ticket_tiers t where t.event_id = old.id) then
        v_what := 'tiers';
        v_hint := 'Delete its tiers first.';
      end if;
    when 'discounts' then
      if exists (select from public.offer_claims c where c.discount_id = old.id) then
        v_what := 'claims';
        v_hint := 'Turn the offer off: active = false.';
      end if;
    when 'slots' then
      if exists (select from public.reservations r where r.slot_id = old.id) then
        v_what := 'reservations';
        v_hint := 'Turn the slot off: active = false.';
      end if;
    else
      if exists (select from public.events e where e.business_id = old.id) then
        v_what := 'events';
        v_hint := 'Delete its events first; a business that sold something stays.';
      elsif exists (select from public.slots s where s.business_id = old.id)
          or exists (select from public.discounts d where d.business_id = old.id) then
        v_what := 'slots or offers';
        v_hint := 'Delete its slots and offers first.';
      end if;
  end case;
  if v_what is not null then
    raise exception 'IN_USE: % % has %', tg_table_name, old.id, v_what
      using errcode = '23503', constraint = tg_name, table = tg_table_name, schema = 'public', hint = v_hint;
  end if;
  return old;
end
$$;

create or replace trigger trg_refuse_deletion before delete on public.businesses
  for each row execute function ticketing.refuse_deletion();
create or replace trigger trg_refuse_deletion before delete on public.events
  for each row execute function ticketing.refuse_deletion();
create or replace trigger trg_refuse_deletion before delete on public.ticket_tiers
  for each row execute function ticketing.refuse_deletion();
create or replace trigger trg_refuse_deletion before delete on public.discounts
  for each row execute function ticketing.refuse_deletion();
create or replace trigger trg_refuse_deletion before delete on public.slots
  for each row execute function ticketing.refuse_deletion();
