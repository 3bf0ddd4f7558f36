-- refuse_move: what a row is and whose it is stays as it was made. PostgREST's upsert writes every column of its body, so that the
-- API's roles have the right to write these, and this refuses another value. An invoker function: current_user says who writes.
create or replace function ticketing.refuse_move() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_user in ('anon', 'authenticated', 'service_role') then
    raise exception 'CANNOT_MOVE: a row of % keeps its id and whose it is', tg_table_name
      using errcode = '42501', hint = 'Make another one where it belongs.';
  end if;
  return new;
end
$$;

create or replace trigger trg_keep_place before update of id on public.businesses
  for each row when (new.id <> old.id) execute function ticketing.refuse_move();
create or replace trigger trg_keep_place before update of business_id, user_id on public.business_staff
  for each row when (new.business_id <> old.business_id or new.user_id <> old.user_id) execute function ticketing.refuse_move();
create or replace trigger trg_keep_place before update of id, business_id on public.events
  for each row when (new.id <> old.id or new.business_id <> old.business_id) execute function ticketing.refuse_move();
create or replace trigger trg_keep_place before update of id, event_id on public.ticket_tiers
  for each row when (new.id <> old.id or new.event_id <> old.event_id) execute function ticketing.refuse_move();
create or replace trigger trg_keep_place before update of id, business_id on public.discounts
  for each row when (new.id <> old.id or new.business_id <> old.business_id) execute function ticketing.refuse_move();
create or replace trigger trg_keep_place before update of id, business_id on public.slots
  for each row when (new.id <> old.id or new.business_id <> old.business_id) execute function ticketing.refuse_move();
