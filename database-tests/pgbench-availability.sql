-- Somebody looks at what is left, while others buy and hold. A number that cannot be ends the client.
select total_quantity - sold_quantity - reserved_quantity as available, total_quantity as total
from ticket_tiers where id = ':tier_id' \gset
\if :available < 0 or :available > :total
select 1 / 0 as available_out_of_bounds;
\endif
