-- demand_capacity: refuse (23514) what a tier has no room for. Takes the same locks as the verbs, in the same order, so
-- that a raw write beside a verb waits and cannot deadlock; shares no code with the verbs' own decision.
create or replace function ticketing.demand_capacity(p_tier_id uuid, p_more bigint, p_protection text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_available integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('tier:' || p_tier_id, 0));
  select t.total_quantity - t.sold_quantity - t.reserved_quantity into v_available
    from public.ticket_tiers t where t.id = p_tier_id for no key update;
  if p_more > v_available then
    raise exception 'tier % has % left, % asked for', p_tier_id, v_available, p_more
      using errcode = '23514', constraint = p_protection;
  end if;
end
$$;
