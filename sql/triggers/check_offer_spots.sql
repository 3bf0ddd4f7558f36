-- check_offer_spots: refuses claims beyond an offer's total, and a second one of a person where the offer is one a person. One
-- advisory lock an offer, then its row, as the verb takes them.
create or replace function ticketing.check_offer_spots() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_more record;
  v_remaining integer;
begin
  for v_more in
    select n.discount_id, sum(n.party_size) as party_size, array_agg(n.user_id) filter (where n.one_per_person) as user_ids
    from new_rows n where n.status <> 'released' group by n.discount_id order by n.discount_id
  loop
    perform pg_advisory_xact_lock(hashtextextended('offer:' || v_more.discount_id, 0));
    select d.people_remaining into v_remaining from public.discounts d where d.id = v_more.discount_id for no key update;
    if v_more.party_size > v_remaining then
      raise exception 'offer % has % places left, % asked for', v_more.discount_id, v_remaining, v_more.party_size
        using errcode = '23514', constraint = tg_name, table = 'offer_claims', schema = 'public';
    elsif exists (select from unnest(v_more.user_ids) as u(id) where 1 < (
        select count(*) from public.offer_claims c
        where c.discount_id = v_more.discount_id and c.user_id = u.id and c.one_per_person and c.status <> 'released')) then
      raise exception 'offer % is claimed once a person', v_more.discount_id
        using errcode = '23505', constraint = tg_name, table = 'offer_claims', schema = 'public';
    end if;
  end loop;
  return null;
end
$$;

create or replace trigger trg_check_offer_spots after insert on public.offer_claims
  referencing new table as new_rows for each statement execute function ticketing.check_offer_spots();
