-- visible_rows: which rows row level security shows to whom, for subscribers of changes; each of p_looks is a query, its role, the
-- types of its arguments, and for each caller claims and arguments. The answer has what each query gave, in their order.
-- A query is planned once, whoever asks: policies read a caller's claims only when it runs.
-- A commit is in the log before others see it: it waits for p_commits, the low 32 bits of their ids; raises 55000 where others do not
-- see one after 5 s, as where it waits for a standby. A policy that fails for a caller shows that one nothing; the server's log says so.
create or replace function ticketing.visible_rows(p_commits bigint[], p_looks jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp set plan_cache_mode = 'force_generic_plan' as $$
declare
  v_until timestamptz := clock_timestamp() + interval '5 seconds';
  v_look jsonb;
  v_ask jsonb;
  v_rows text;
  v_given text[] := '{}';
begin
  perform set_config('search_path', 'public, extensions', true);
  while exists (
    select from unnest(p_commits) c, pg_current_snapshot() s, lateral (
      select pg_snapshot_xmax(s)::text::bigint as next) x, lateral (select (x.next >> 32 << 32) + c as near) n
    where not pg_visible_in_snapshot((case when n.near > x.next and n.near >= 4294967296 then n.near - 4294967296 else n.near end)
      ::text::xid8, s))
  loop
    if clock_timestamp() >= v_until then
      raise exception 'a commit is not seen by others yet' using errcode = '55000';
    end if;
    perform pg_sleep(0.001);
  end loop;
  -- Prepared statements outlive a transaction that failed.
  if exists (select from pg_prepared_statements where name = 'admit_once_visible_rows') then
    deallocate admit_once_visible_rows;
  end if;
  for v_look in select * from jsonb_array_elements(p_looks) loop
    perform set_config('role', v_look ->> 'role', true);
    execute format('prepare admit_once_visible_rows (%s) as %s', v_look ->> 'types', v_look ->> 'query');
    for v_ask in select * from jsonb_array_elements(v_look -> 'asks') loop
      perform set_config('request.jwt.claims', v_ask ->> 0, true);
      begin
        execute format('execute admit_once_visible_rows (%s)', v_ask ->> 1) into v_rows;
      exception when others then
        raise log 'Admit Once: a policy failed for a subscriber: % (%)', sqlerrm, sqlstate;
        v_rows := '[]';
      end;
      v_given := v_given || v_rows;
    end loop;
    deallocate admit_once_visible_rows;
  end loop;
  return to_jsonb(v_given);
end
$$;
