-- session_id: the id of a session that we make. For a guest knowing it is owning it: 122 random bits. Time-ordered all the same, as
-- far as p_id is: with random ids the unique index of active holds halves the speed of a batch. It begins as an id of the cell does: by
-- its first 36 characters a proxy finds where it lives.
-- Not pinned to a search_path, and every name with its schema, so that it is inlined, as uuid_v7 is.
create or replace function ticketing.session_id(p_owner text, p_id uuid default ticketing.uuid_v7()) returns text
language sql volatile parallel safe as $$
  select pg_catalog.concat(p_owner, ':', pg_catalog.left(p_id::pg_catalog.text, 24),
    pg_catalog.replace(pg_catalog.gen_random_uuid()::pg_catalog.text, '-', ''))
$$;
