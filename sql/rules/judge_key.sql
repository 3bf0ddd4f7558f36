-- judge_key: what was claimed or booked at a business under a caller's key before; its lock is held until the end. The same key at
-- another business is another key.
--   refusal      INVALID_REQUEST for a key that cannot be one; IDEMPOTENCY_KEY_REUSED where the key's request was another,
--                a checkout's too; or null
--   made_id      the claim or the booking that the same request made
--   request_key, fingerprint  what the row that is made shall carry, so that its unique index judges again
create or replace function ticketing.judge_key(
  p_caller record, p_business_id uuid, p_key text, p_request jsonb,
  out refusal text, out made_id uuid, out request_key text, out fingerprint text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_caller_name text := coalesce('user:' || p_caller.user_id, 'service');
  v_made record;
begin
  if p_key is null then
    return;
  elsif length(p_key) not between 1 and 255 then
    refusal := 'INVALID_REQUEST';
    return;
  end if;
  request_key := concat_ws(':', p_business_id, v_caller_name, p_key);
  fingerprint := md5(p_request::text);
  perform ticketing.lock_key('key:' || request_key);
  select c.id, c.request_fingerprint as fingerprint into v_made
    from public.offer_claims c where c.request_key = judge_key.request_key
    union all
    select r.id, r.request_fingerprint from public.reservations r where r.request_key = judge_key.request_key
    union all
    select null, null from public.idempotency_keys k where k.caller = v_caller_name and k.key = p_key and k.business_id = p_business_id;
  if found and v_made.fingerprint is distinct from fingerprint then
    refusal := 'IDEMPOTENCY_KEY_REUSED';
  elsif found then
    perform ticketing.await_standby();
    made_id := v_made.id;
  end if;
end
$$;

-- reused_key: the answer where the unique index of a key refused: above READ COMMITTED the winner's row may be there and
-- yet not be seen.
create or replace function ticketing.reused_key() returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'could not serialize access: the idempotency key was just used'
      using errcode = '40001', hint = 'Retry the transaction, after a short random wait.';
  end if;
  return ticketing.refused('IDEMPOTENCY_KEY_REUSED');
end
$$;
