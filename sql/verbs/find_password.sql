-- find_password: what a password is checked against: {user_id, password_hash, confirmed, banned}, or null where nobody has the
-- address.
create or replace function ticketing.find_password(p_email text) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
begin
  perform ticketing.demand_own_users();
  return (
    select jsonb_build_object('user_id', u.id, 'password_hash', u.encrypted_password,
      'confirmed', u.email_confirmed_at is not null, 'banned', coalesce(u.banned_until > clock_timestamp(), false))
    from auth.users u where lower(u.email) = lower(p_email));
end
$$;
