-- user_view: a user as Supabase Auth shows one; null where there is none.
create or replace function ticketing.user_view(p_user_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_strip_nulls(jsonb_build_object('id', u.id, 'aud', u.aud, 'role', u.role, 'email', u.email,
        'email_confirmed_at', u.email_confirmed_at, 'confirmed_at', u.email_confirmed_at,
        'confirmation_sent_at', u.confirmation_sent_at, 'recovery_sent_at', u.recovery_sent_at,
        'last_sign_in_at', u.last_sign_in_at, 'created_at', u.created_at, 'updated_at', u.updated_at,
        'banned_until', u.banned_until))
      || jsonb_build_object('phone', '', 'is_anonymous', false, 'app_metadata', u.raw_app_meta_data,
        'user_metadata', u.raw_user_meta_data, 'identities', jsonb_build_array(jsonb_build_object(
          'identity_id', u.id, 'id', u.id, 'user_id', u.id, 'provider', 'email', 'email', u.email,
          'identity_data', jsonb_build_object('sub', u.id, 'email', u.email, 'email_verified', u.email_confirmed_at is not null,
            'phone_verified', false),
          'last_sign_in_at', u.last_sign_in_at, 'created_at', u.created_at, 'updated_at', u.updated_at)))
    from auth.users u where u.id = p_user_id);
end
$$;

-- demand_own_users: raises where auth.users is Supabase's: its users are its own Auth's to change.
create or replace function ticketing.demand_own_users() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if not ticketing.has_own_users() then
    raise exception 'the users of this database are Supabase Auth''s' using errcode = '0A000',
      hint = 'Sign in at the project''s own /auth/v1.';
  end if;
end
$$;

-- merged_data: metadata under a change: what it names is put over, a null takes a key away. Raises above 4096 bytes: they ride in
-- every token, and a server takes no endless header.
create or replace function ticketing.merged_data(p_data jsonb, p_change jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_merged jsonb;
begin
  select coalesce(jsonb_object_agg(e.key, e.value), '{}') into v_merged
    from jsonb_each(p_data || coalesce(p_change, '{}')) e where e.value <> 'null';
  if p_change is not null and octet_length(v_merged::text) > 4096 then
    raise exception 'metadata are too large' using errcode = 'program_limit_exceeded';
  end if;
  return v_merged;
end
$$;
