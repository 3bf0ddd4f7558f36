-- checkout_many: batching (group commit): many carts of the same tiers, judged in order of arrival under one lock of each tier, and
-- written together with one commit for all. Each gets what it would get alone, asked after those before it.
--
-- A place in the arrays is a call of checkout(p_requests) in the role of p_roles (null: anon) and in the name of p_caller_ids. An array
-- that is null has null in every place.
-- Answers: a row a request, in order. Null where nothing was done, and checkout is to be asked in the caller's own role: where the role
--   may not ask, the key was used before or is in use, or other tiers are named than by the first who may ask.
--   Raises 22023 where the arrays are not of one length from 1 to 100.
-- Locks:  keys that are free; tiers, ascending id; then each new order, which nobody else can know.
-- Writes: as checkout.
create or replace function ticketing.checkout_many(
  p_requests jsonb[], p_roles text[] default null, p_caller_ids uuid[] default null) returns setof jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '5s' set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_count integer := cardinality(p_requests);
  v_one record;
  v_known_role text;
  v_may_ask boolean;
  v_is_trusted boolean;
  v_goods jsonb;
  v_trusted boolean[];
  v_asked boolean[];
  v_batch record;
begin
  if (v_count between 1 and 100) is not true
      or v_count <> coalesce(cardinality(p_roles), v_count) or v_count <> coalesce(cardinality(p_caller_ids), v_count) then
    raise exception 'the arrays of requests must be of one length, from 1 to 100' using errcode = '22023';
  end if;
  for v_one in
    select coalesce(r.role, 'anon') as role, ticketing.goods_of(r.request) as goods
    from unnest(p_requests, p_roles) with ordinality as r(request, role, place) order by r.place
  loop
    if v_one.role is distinct from v_known_role then
      v_known_role := v_one.role;
      v_may_ask := coalesce(ticketing.may_ask(
        (select l.oid from pg_roles l where l.rolname = v_known_role), 'ticketing.checkout(jsonb)'), false);
      v_is_trusted := v_may_ask and ticketing.is_trusted(v_known_role);
    end if;
    v_goods := coalesce(v_goods, case when v_may_ask then v_one.goods end);
    v_trusted := v_trusted || v_is_trusted;
    v_asked := v_asked || coalesce(v_may_ask and v_one.goods = v_goods, false);
  end loop;
  select p_requests as requests, coalesce(p_caller_ids, array_fill(null::uuid, array[v_count])) as user_ids,
      v_trusted as trusted, v_asked as are_asked
    into v_batch;
  return query select a.answer from unnest(ticketing.buy_in_turn(v_batch)) as a(answer);
end
$$;

-- goods_of: the tiers that a request names, as it names them, without their quantities; null where it names none. What is the same
-- but for its case is one: no two slugs are.
create or replace function ticketing.goods_of(p_request jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when jsonb_typeof(p_request -> 'items') = 'array' then jsonb_build_array(lower(p_request ->> 'event'), (
    select jsonb_agg(distinct lower(i ->> 'tier')) from jsonb_array_elements(p_request -> 'items') i)) end
$$;
