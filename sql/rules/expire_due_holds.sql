-- expire_due_holds: end the due holds of one tier, oldest first, at most p_limit. The caller has the tier's lock.
--
-- The plan must be right while the table is empty and never analyzed, as a connection keeps it when thousands live there:
-- ordered, the index of ends is the only one that fits; the rows are then found by id, for which a scan of the whole
-- table must not look cheap.
create or replace function ticketing.expire_due_holds(p_tier_id uuid, p_now timestamptz, p_limit integer) returns integer
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_expired integer;
begin
  update public.ticket_holds h set status = 'expired', ended_at = p_now
    where h.status is not distinct from 'active' and h.id = any (array(
      select d.id from public.ticket_holds d
      where d.tier_id = p_tier_id and d.status = 'active' and d.expires_at <= p_now
      order by d.expires_at limit p_limit));
  get diagnostics v_expired = row_count;
  return v_expired;
end
$$;

-- has_due_holds: whether a tier has holds that are due. Asked for the earliest end, as that can only be the index of ends:
-- a plain `exists` is answered through the index of sessions, all of it, while the table is not analyzed.
create or replace function ticketing.has_due_holds(p_tier_id uuid, p_now timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  return coalesce((
    select h.expires_at from public.ticket_holds h where h.tier_id = p_tier_id and h.status = 'active'
    order by h.expires_at limit 1) <= p_now, false);
end
$$;
