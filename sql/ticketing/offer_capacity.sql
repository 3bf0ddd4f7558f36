-- Refusing, offers: claimed places never exceed the offer's total. As hold_capacity.sql, one lock per offer.
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

-- Whether a person claims once is what the offer says, not what the row says of itself.
create or replace function ticketing.copy_claim_rule() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.one_per_person := coalesce((select d.one_claim_per_person from public.discounts d where d.id = new.discount_id), false);
  return new;
end
$$;

create or replace trigger trg_copy_claim_rule before insert on public.offer_claims
  for each row execute function ticketing.copy_claim_rule();

create or replace function ticketing.refuse_claim_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'claim % is %: it can only be released, or redeemed once', old.id, old.status
    using errcode = '23514', constraint = tg_name, table = 'offer_claims', schema = 'public';
end
$$;

create or replace trigger trg_check_offer_spots after insert on public.offer_claims
  referencing new table as new_rows for each statement execute function ticketing.check_offer_spots();
-- A claim only ever shrinks: it neither grows nor moves nor comes back from released or redeemed, so an update needs no count.
create or replace trigger trg_claim_legal_change before update on public.offer_claims
  for each row when (new.party_size > old.party_size or new.discount_id <> old.discount_id
    or new.user_id is distinct from old.user_id or new.one_per_person <> old.one_per_person
    or old.status in ('released', 'redeemed') and new.status <> old.status)
  execute function ticketing.refuse_claim_change();

-- Refusing, offers: one that is made smaller keeps room for every claim. It counts rows, not the counter.
-- A definer function: it counts them all, whoever asks.
create or replace function ticketing.check_offer_size() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  if (select sum(c.party_size) from public.offer_claims c where c.discount_id = new.id and c.status <> 'released') > new.total_people then
    raise exception 'more than % people have claimed offer %', new.total_people, new.id
      using errcode = '23514', constraint = tg_name, table = 'discounts', schema = 'public';
  end if;
  return new;
end
$$;

create or replace trigger trg_check_offer_size before update of total_people on public.discounts
  for each row when (old.total_people is null or new.total_people < old.total_people)
  execute function ticketing.check_offer_size();

-- Counting, offers: claimed_people is the sum of the claims that were not released.
create or replace function ticketing.sync_claimed_people() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  for v_change in
    select n.discount_id, sum(n.party_size) as people from new_rows n
    where n.status <> 'released' group by n.discount_id order by n.discount_id
  loop
    update public.discounts set claimed_people = claimed_people + v_change.people where id = v_change.discount_id;
  end loop;
  return null;
end
$$;

create or replace function ticketing.sync_claimed_people_upd() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  for v_change in
    select c.discount_id, sum(c.people) as people from (
      select n.discount_id, n.party_size as people from new_rows n where n.status <> 'released'
      union all
      select o.discount_id, -o.party_size from old_rows o where o.status <> 'released') c
    group by c.discount_id having sum(c.people) <> 0 order by c.discount_id
  loop
    update public.discounts set claimed_people = claimed_people + v_change.people where id = v_change.discount_id;
  end loop;
  return null;
end
$$;

create or replace function ticketing.sync_claimed_people_del() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_change record;
begin
  for v_change in
    select o.discount_id, sum(o.party_size) as people from old_rows o
    where o.status <> 'released' group by o.discount_id order by o.discount_id
  loop
    update public.discounts set claimed_people = claimed_people - v_change.people where id = v_change.discount_id;
  end loop;
  return null;
end
$$;

create or replace trigger trg_sync_claimed_people after insert on public.offer_claims
  referencing new table as new_rows for each statement execute function ticketing.sync_claimed_people();
create or replace trigger trg_sync_claimed_people_upd after update on public.offer_claims
  referencing old table as old_rows new table as new_rows
  for each statement execute function ticketing.sync_claimed_people_upd();
create or replace trigger trg_sync_claimed_people_del after delete on public.offer_claims
  referencing old table as old_rows for each statement execute function ticketing.sync_claimed_people_del();
