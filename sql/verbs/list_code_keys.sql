-- list_code_keys: every key that has a number, [{kid, public_key, revoked}].
create or replace function ticketing.list_code_keys() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('kid', c.kid, 'revoked', c.revoked_at is not null,
    'public_key', rtrim(translate(encode(c.public_key, 'base64'), '+/', '-_'), '=')) order by c.kid), '[]')
  from ticketing.code_keys c where c.kid is not null
$$;
