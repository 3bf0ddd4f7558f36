-- offers_and_slots_fit: an offer with more people than places, a person with two claims where it allows one, an evening of
-- a slot with more people than covers, or a counter that disagrees with its rows.
drop view if exists ticketing.law_offers_and_slots_fit;
create view ticketing.law_offers_and_slots_fit with (security_invoker = true) as
select 'offer' as kind, d.id, null::date as date, d.total_people as total, coalesce(claims.people, 0) as taken,
       d.claimed_people as counted
from public.discounts d
left join (select c.discount_id, sum(c.party_size) as people from public.offer_claims c
           where c.status <> 'released' group by c.discount_id) claims on claims.discount_id = d.id
where coalesce(claims.people, 0) > d.total_people or coalesce(claims.people, 0) <> d.claimed_people
union all
select 'person', c.discount_id, null, 1, count(*), count(*)
from public.offer_claims c
where c.one_per_person and c.status <> 'released' and c.user_id is not null
group by c.discount_id, c.user_id having count(*) > 1
union all
select 'slot', s.id, coalesce(r.date, d.date), s.capacity, coalesce(r.people, 0), coalesce(d.booked_people, 0)
from (select slot_id, date, sum(party_size) as people from public.reservations
      where status in ('confirmed', 'checked_in') group by slot_id, date) r
full join ticketing.slot_days d on d.slot_id = r.slot_id and d.date = r.date
join public.slots s on s.id = coalesce(r.slot_id, d.slot_id)
where coalesce(r.people, 0) > s.capacity or coalesce(r.people, 0) <> coalesce(d.booked_people, 0) or d.capacity <> s.capacity;
