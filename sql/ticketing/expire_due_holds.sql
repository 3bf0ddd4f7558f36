-- expire_due_holds: end the due holds of one tier, oldest first, about p_limit at most (those that end at the same instant
-- go together). The caller has the tier's lock.
-- The clock is read into a variable: clock_timestamp() in a condition is never an index condition. And the rows are found
-- by that condition again, not by a list of ids: while the table is empty such a list is planned as a scan of it all, and
-- a connection keeps its plans.
create or replace function ticketing.expire_due_holds(p_tier_id uuid, p_now timestamptz, p_limit integer) returns integer
language plpgsql set search_path = '' as $$
declare
  v_until timestamptz;
  v_expired integer;
begin
  select d.expires_at into v_until from public.ticket_holds d
    where d.tier_id = p_tier_id and d.status = 'active' and d.expires_at <= p_now
    order by d.expires_at offset p_limit - 1 limit 1;
  v_until := coalesce(v_until, p_now);
  update public.ticket_holds h set status = 'expired', ended_at = p_now
    where h.tier_id = p_tier_id and h.status = 'active' and h.expires_at <= v_until;
  get diagnostics v_expired = row_count;
  return v_expired;
end
$$;
