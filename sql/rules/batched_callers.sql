-- batched_callers: confused deputy: who asks in a batch, and whether the batch may speak for them. It may where each would have
-- reached the verb alone: the session's login may act as the role, the role may call door and verb, and the door is ours.
--   trusted     by place, as caller() says it
--   are_served  by place; where false, the answer is for the door to give
-- A role is null where the caller is a guest: anon.
create or replace function ticketing.batched_callers(
  p_roles text[], p_carts jsonb[], out trusted boolean[], out are_served boolean[])
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  select array_agg(a.is_trusted order by r.place), array_agg(coalesce(a.is_served, false) order by r.place)
    into trusted, are_served
    from unnest(p_roles, p_carts) with ordinality as r(role, cart, place)
    left join lateral (values (coalesce(r.role, 'anon'), r.cart is not null)) as k(role, is_cart) on true
    left join (
      -- Once a role, not once a request.
      select d.role, d.is_cart, ticketing.is_trusted(l.rolname) as is_trusted,
        ticketing.may_call(l.oid, case when d.is_cart then 'reserve_tickets_batch(jsonb,text,uuid,integer)'
          else 'reserve_tickets_atomically(uuid,integer)' end) as is_served
      from (select distinct coalesce(x.role, 'anon') as role, x.cart is not null as is_cart
        from unnest(p_roles, p_carts) as x(role, cart)) d
      join pg_roles l on l.rolname = d.role
      offset 0) a on a.role = k.role and a.is_cart = k.is_cart;
end
$$;

-- may_call: whether this session may ask in this role at the door of this verb, and the door then does what we installed. Another
-- door of the same name may be the one that is called.
create or replace function ticketing.may_call(p_role oid, p_verb text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  v_door oid := to_regprocedure('public.' || p_verb);
  v_verb oid := to_regprocedure('ticketing.' || p_verb);
  -- PostgreSQL 16 tells apart who is a member and who may act as the role.
  v_installed text := (
    select i.definition from ticketing.installed_parts i where i.class = 'functions' and i.object = v_door::regprocedure::text);
  v_doors integer := (
    select count(*) from pg_proc f where f.proname = split_part(p_verb, '(', 1) and f.pronamespace = to_regnamespace('public'));
  -- PostgreSQL 16 tells apart who is a member and who may act as the role.
  v_right text := case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end;
begin
  return coalesce(
    pg_has_role(session_user, p_role, v_right)
    and has_schema_privilege(p_role, 'public', 'usage')
    and has_function_privilege(p_role, v_door, 'execute')
    and has_schema_privilege(p_role, 'ticketing', 'usage')
    and has_function_privilege(p_role, v_verb, 'execute')
    and v_doors = 1
    and ticketing.function_definition(v_door) = v_installed,
    false);
end
$$;
