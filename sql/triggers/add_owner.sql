-- add_owner: who makes a business owns it, from the same transaction on. The service role and logins make it for somebody else.
create or replace function ticketing.add_owner() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_caller record := ticketing.caller();
begin
  if v_caller.user_id is not null and not v_caller.is_trusted then
    insert into public.business_staff (business_id, user_id, role) values (new.id, v_caller.user_id, 'owner');
  end if;
  return null;
end
$$;

create or replace trigger trg_add_owner after insert on public.businesses
  for each row execute function ticketing.add_owner();
