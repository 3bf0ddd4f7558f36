-- read_cart: [{tier_id, quantity}, …] as two arrays, a tier once, in the order of first mention.
--   refusal  INVALID_REQUEST (no list of 1 to 50, or no tier id), INVALID_QUANTITY (none of 1 to 1000), or null
create or replace function ticketing.read_cart(
  p_cart jsonb, out tier_ids uuid[], out quantities integer[], out refusal text)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  v_line record;
  v_quantity numeric;
  v_position integer;
begin
  if jsonb_typeof(p_cart) is distinct from 'array' or jsonb_array_length(p_cart) not between 1 and 50 then
    refusal := 'INVALID_REQUEST';
    return;
  end if;
  for v_line in select e -> 'quantity' as quantity, e ->> 'tier_id' as tier_id from jsonb_array_elements(p_cart) e loop
    if coalesce(v_line.tier_id !~ '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$', true) then
      refusal := 'INVALID_REQUEST';
      return;
    end if;
    v_quantity := case when jsonb_typeof(v_line.quantity) = 'number' then v_line.quantity::numeric else 0 end;
    v_position := array_position(tier_ids, v_line.tier_id::uuid);
    if v_quantity not between 1 and 1000 or v_quantity <> trunc(v_quantity)
        or quantities[v_position] + v_quantity > 1000 then
      refusal := coalesce(refusal, 'INVALID_QUANTITY');
    elsif v_position is null then
      tier_ids := tier_ids || v_line.tier_id::uuid;
      quantities := quantities || v_quantity::integer;
    else
      quantities[v_position] := quantities[v_position] + v_quantity;
    end if;
  end loop;
end
$$;
