-- sync_claimed_people: counts: claimed_people of an offer is the sum of the claims that were not released.
create or replace function ticketing.sync_claimed_people() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  if tg_op = 'INSERT' then
    for v_change in
      select n.discount_id, sum(n.party_size) as people from new_rows n
      where n.status <> 'released' group by n.discount_id order by n.discount_id
    loop
      update public.discounts set claimed_people = claimed_people + v_change.people where id = v_change.discount_id;
    end loop;
  elsif tg_op = 'DELETE' then
    for v_change in
      select o.discount_id, -sum(o.party_size) as people from old_rows o
      where o.status <> 'released' group by o.discount_id order by o.discount_id
    loop
      update public.discounts set claimed_people = claimed_people + v_change.people where id = v_change.discount_id;
    end loop;
  else
    for v_change in
      select d.discount_id, sum(d.people) as people from (
        select n.discount_id, n.party_size as people from new_rows n where n.status <> 'released'
        union all
        select o.discount_id, -o.party_size from old_rows o where o.status <> 'released') d
      group by d.discount_id having sum(d.people) <> 0 order by d.discount_id
    loop
      update public.discounts set claimed_people = claimed_people + v_change.people where id = v_change.discount_id;
    end loop;
  end if;
  return null;
end
$$;

create or replace trigger trg_sync_claimed_people after insert on public.offer_claims
  referencing new table as new_rows for each statement execute function ticketing.sync_claimed_people();
create or replace trigger trg_sync_claimed_people_upd after update on public.offer_claims
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.sync_claimed_people();
create or replace trigger trg_sync_claimed_people_del after delete on public.offer_claims
  referencing old table as old_rows for each statement execute function ticketing.sync_claimed_people();
