-- only_yours: a table of ours that strangers may read or write and that has no row level security, a column that opens doors and
-- that callers may read, or what one person held in the order of another. What a policy lets through is no row of a table: the
-- proof asks each table as each role.
drop view if exists ticketing.law_only_yours;
create view ticketing.law_only_yours with (security_invoker = true) as
select format('%I.%I', n.nspname, c.relname) as object, r.rolname::text as whose, 'without row level security' as broken
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join pg_catalog.pg_roles r
where c.relkind in ('r', 'v') and r.rolname in ('anon', 'authenticated') and not c.relrowsecurity
  and (n.nspname = 'ticketing' or n.nspname = 'public' and c.relname in (select t.name from ticketing.tables t))
  and (pg_catalog.has_any_column_privilege(r.oid, c.oid, 'select, insert, update')
    or pg_catalog.has_table_privilege(r.oid, c.oid, 'delete, truncate'))
union all
select s.object || '.' || s.secret, r.rolname, 'a secret that can be read'
from (values ('public.orders', 'secret'), ('public.orders', 'request_key'), ('public.orders', 'session_id'),
    ('public.offer_claims', 'qr_token'), ('public.offer_claims', 'request_key'),
    ('public.reservations', 'qr_token'), ('public.reservations', 'request_key')) s(object, secret)
cross join pg_catalog.pg_roles r
where r.rolname in ('anon', 'authenticated') and pg_catalog.has_column_privilege(r.oid, s.object, s.secret, 'select')
union all
select h.id::text, h.user_id::text, 'held by one person, ordered by another'
from public.ticket_holds h join public.orders o on o.id = h.order_id
where h.user_id is not null and h.user_id is distinct from o.user_id;
