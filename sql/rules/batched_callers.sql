-- batched_callers: confused deputy: who asks in a batch, and whether the batch may speak for them. It may where each would have
-- reached the verb alone: the session's login may act as the role, the role may call door and verb, and the door is ours.
--   trusted     by place, as caller() says it
--   are_served  by place; where false, the answer is for the door to give
-- A role is null where the caller is a guest: anon.
create or replace function ticketing.batched_callers(
  p_roles text[], p_carts jsonb[], p_count integer, out trusted boolean[], out are_served boolean[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  -- Once a role and verb, not once a request.
  v_kinds text[] := array(
    select distinct concat(r.cart is not null, coalesce(r.role, 'anon'))
    from unnest(p_roles, p_carts, array_fill(null::text, array[p_count])) as r(role, cart));
  v_role record;
  v_trusted boolean[];
  v_served boolean[];
begin
  for i in 1 .. cardinality(v_kinds) loop
    select r.rolname, r.oid into v_role from pg_roles r where r.rolname = substr(v_kinds[i], 2);
    v_trusted[i] := found and ticketing.is_trusted(v_role.rolname);
    v_served[i] := found and ticketing.may_call(v_role.oid, case left(v_kinds[i], 1)
      when 't' then 'reserve_tickets_batch(jsonb,text,uuid,integer)' else 'reserve_tickets_atomically(uuid,integer)' end);
  end loop;
  if cardinality(v_kinds) = 1 then
    trusted := array_fill(v_trusted[1], array[p_count]);
    are_served := array_fill(v_served[1], array[p_count]);
    return;
  end if;
  select array_agg(v_trusted[k.kind] order by r.place), array_agg(v_served[k.kind] order by r.place)
    into trusted, are_served
    from unnest(p_roles, p_carts, array_fill(null::text, array[p_count])) with ordinality as r(role, cart, filler, place)
    cross join lateral (select array_position(v_kinds, concat(r.cart is not null, coalesce(r.role, 'anon'))) offset 0) k(kind);
end
$$;

-- may_call: whether this session may ask in this role at the door of this verb, and the door then does what we installed. Another
-- door of the same name may be the one that is called.
create or replace function ticketing.may_call(p_role oid, p_verb text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_door oid := to_regprocedure('public.' || p_verb);
  v_installed text := (
    select i.definition from ticketing.installed_parts i where i.class = 'functions' and i.object = v_door::regprocedure::text);
  v_doors integer := (
    select count(*) from pg_proc f where f.proname = split_part(p_verb, '(', 1) and f.pronamespace = to_regnamespace('public'));
begin
  return coalesce(
    ticketing.may_ask(p_role, 'ticketing.' || p_verb)
    and has_schema_privilege(p_role, 'public', 'usage')
    and has_function_privilege(p_role, v_door, 'execute')
    and v_doors = 1
    and ticketing.function_definition(v_door) = v_installed,
    false);
end
$$;

-- may_ask: whether this session may ask in this role for a verb of the vault.
create or replace function ticketing.may_ask(p_role oid, p_verb text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  -- PostgreSQL 16 tells apart who is a member and who may act as the role.
  v_right text := case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end;
begin
  return pg_has_role(session_user, p_role, v_right)
    and has_schema_privilege(p_role, 'ticketing', 'usage')
    and has_function_privilege(p_role, to_regprocedure(p_verb), 'execute');
end
$$;
