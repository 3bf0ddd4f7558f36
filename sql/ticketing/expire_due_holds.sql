-- expire_due_holds: end the due holds of one tier, oldest first, at most p_limit. The caller has the tier's lock.
-- The clock is read into a variable: clock_timestamp() in a condition is never an index condition.
create or replace function ticketing.expire_due_holds(p_tier_id uuid, p_now timestamptz, p_limit integer) returns integer
language plpgsql set search_path = '' as $$
declare
  v_expired integer;
begin
  update public.ticket_holds h set status = 'expired', ended_at = p_now
    where h.id = any (array(
      select d.id from public.ticket_holds d
      where d.tier_id = p_tier_id and d.status = 'active' and d.expires_at <= p_now
      order by d.expires_at limit p_limit));
  get diagnostics v_expired = row_count;
  return v_expired;
end
$$;
