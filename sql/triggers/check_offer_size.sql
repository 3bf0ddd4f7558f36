-- check_offer_size: refuses to make an offer smaller than its claims. It counts rows, not the counter.
-- A definer function: it counts them all, whoever asks.
create or replace function ticketing.check_offer_size() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  if new.total_people < (
      select sum(c.party_size) from public.offer_claims c where c.discount_id = new.id and c.status <> 'released') then
    raise exception 'more than % people have claimed offer %', new.total_people, new.id
      using errcode = '23514', constraint = tg_name, table = 'discounts', schema = 'public';
  end if;
  return new;
end
$$;

create or replace trigger trg_check_offer_size before update of total_people on public.discounts
  for each row when (old.total_people is null or new.total_people < old.total_people)
  execute function ticketing.check_offer_size();
