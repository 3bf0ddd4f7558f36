-- refused: a refusal as an answer: {success: false, error: code, message}.
create or replace function ticketing.refused(p_code text, p_message text default null) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('success', false, 'error', p_code,
    'message', coalesce(p_message, ticketing.refusal_message(p_code)))
$$;

-- refused_cart: the refusal of several tiers at once: {success: false, error_code, error: message, failed}.
create or replace function ticketing.refused_cart(p_code text, p_message text default null, p_failed jsonb default '[]')
returns jsonb language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('success', false, 'error_code', p_code,
    'error', coalesce(p_message, ticketing.refusal_message(p_code)), 'failed', p_failed)
$$;
