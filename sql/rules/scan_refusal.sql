-- scan_refusal: why somebody may not open a gate of an event; null where it may. A trusted caller's word is taken and
-- recorded as such.
--   FORBIDDEN  a signed-in caller works for no business at all, or names nobody, or somebody else
--   NOT_FOUND  it works for another business: it learns no more than about what does not exist (p_event_id null)
create or replace function ticketing.scan_refusal(p_scanned_by uuid, p_event_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_caller record := ticketing.caller();
begin
  return case
    when v_caller.is_trusted then null
    -- Naming nobody is not naming oneself: what is null is no.
    when (p_scanned_by = v_caller.user_id) is not true then 'FORBIDDEN'
    when not exists (select from public.business_staff s where s.user_id = v_caller.user_id) then 'FORBIDDEN'
    when not ticketing.is_staff(v_caller.user_id, p_event_id) then 'NOT_FOUND' end;
end
$$;
