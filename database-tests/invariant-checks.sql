-- The five checks after every run. Each line says how many rows break it; all must be 0.
select 'no negative availability' as invariant,
       count(*) filter (where total_quantity - sold_quantity - reserved_quantity < 0) as broken from ticket_tiers
union all
select 'reserved never exceeds the total', count(*) filter (where reserved_quantity > total_quantity) from ticket_tiers
union all
select 'sold never exceeds the total', count(*) filter (where sold_quantity > total_quantity) from ticket_tiers
union all
select 'reserved is the sum of the active holds', count(*) from (
  select t.id from ticket_tiers t left join ticket_holds h on h.tier_id = t.id and h.status = 'active'
  group by t.id, t.reserved_quantity having t.reserved_quantity <> coalesce(sum(h.quantity), 0)) drifted
union all
select 'no ticket code twice', count(*) from (select qr_code from tickets group by qr_code having count(*) > 1) twice;
