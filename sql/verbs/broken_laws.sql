-- broken_laws: every broken promise right now, at most p_witnesses rows of each law. No row: all is well.
create or replace function ticketing.broken_laws(p_witnesses integer default 5)
returns table (guarantee text, law text, rows bigint, witnesses jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_law record;
begin
  for v_law in select l.guarantee, l.law from ticketing.laws l order by l.position loop
    guarantee := v_law.guarantee;
    law := v_law.law;
    execute format('select count(*), coalesce((select jsonb_agg(w) from (select * from ticketing.%1$I limit %2$s) w), ''[]'')
      from ticketing.%1$I', 'law_' || v_law.law, greatest(p_witnesses, 0)) into rows, witnesses;
    if rows > 0 then
      return next;
    end if;
  end loop;
end
$$;
