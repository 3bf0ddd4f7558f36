-- cell_of: the cell in which an id was made; null where it does not say: another version than 7, or from before
-- settings.cells_since.
create or replace function ticketing.cell_of(p_id uuid) returns integer
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
  select get_byte(i.bytes, 6) % 16 * 256 + get_byte(i.bytes, 7)
  from (select uuid_send(p_id) as bytes) i, ticketing.settings s
  where get_byte(i.bytes, 6) / 16 = 7
    and to_timestamp(('x' || encode(substring(i.bytes for 6), 'hex'))::bit(48)::bigint / 1000.0) >= s.cells_since
$$;
