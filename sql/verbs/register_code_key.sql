-- register_code_key: give a key that signs, 32 bytes in base64url, its number; the same one again keeps it. What others signed
-- still admits.
--
-- Answers, first that applies:
--   INVALID_REQUEST  it is no such key
--   KEY_REVOKED      it was taken back: sign with another one
--   KEYS_EXHAUSTED   255 others admit, and a code has one byte for its key's number
--   success          {success: true, kid, is_new, keys: [{kid, public_key, revoked}]}
-- Where all numbers were given, that of the key which was revoked first is given again. The revoked one is remembered.
-- Locks:  the list of keys.
-- Writes: code_keys.
create or replace function ticketing.register_code_key(p_public_key text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_public_key bytea;
  v_key ticketing.code_keys;
  v_is_new boolean;
begin
  if p_public_key is null or p_public_key !~ '^[A-Za-z0-9_-]{43}$' then
    return ticketing.refused('INVALID_REQUEST', 'A public key is 32 bytes in base64url.');
  end if;
  v_public_key := decode(translate(p_public_key, '-_', '+/') || '=', 'base64');
  perform ticketing.lock_key('code-keys');
  select * into v_key from ticketing.code_keys c where c.public_key = v_public_key;
  v_is_new := not found;
  if v_key.revoked_at is not null then
    return ticketing.refused('KEY_REVOKED');
  end if;
  if v_is_new then
    v_key.kid := (select min(n.kid) from generate_series(1, 255) n(kid)
      where not exists (select from ticketing.code_keys c where c.kid = n.kid));
    if v_key.kid is null then
      select c.kid into v_key.kid from ticketing.code_keys c
        where c.kid is not null and c.revoked_at is not null order by c.revoked_at limit 1;
      update ticketing.code_keys c set kid = null where c.kid = v_key.kid;
    end if;
    if v_key.kid is null then
      return ticketing.refused('KEYS_EXHAUSTED');
    end if;
    insert into ticketing.code_keys (kid, public_key) values (v_key.kid, v_public_key);
  end if;
  return jsonb_build_object('success', true, 'kid', v_key.kid, 'is_new', v_is_new, 'keys', ticketing.list_code_keys());
end
$$;
