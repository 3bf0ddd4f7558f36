-- refuse_hold_change: a hold's state machine: it ends once, and never before its time: released and converted by their owner,
-- expired by the clock of the database. What has ended stays as it is. The conditions are in the trigger, so a legal change
-- runs no function.
create or replace function ticketing.refuse_hold_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'hold % is % until %: this change is not one a hold can make', old.id, old.status, old.expires_at
    using errcode = '23514', constraint = tg_name, table = 'ticket_holds', schema = 'public';
end
$$;

create or replace trigger trg_hold_legal_change before update on public.ticket_holds
  for each row when (
    old.status <> 'active' and (new.status <> old.status or new.quantity <> old.quantity or new.expires_at <> old.expires_at)
    or new.status = 'expired' and old.status = 'active' and new.expires_at > clock_timestamp()
    or new.expires_at < old.expires_at
    or new.tier_id <> old.tier_id or new.session_id <> old.session_id)
  execute function ticketing.refuse_hold_change();
