-- session_id: the id of a session that we make. For a guest knowing it is owning it: 108 random bits. Time-ordered all the same:
-- with random ids the unique index of active holds halves the speed of a batch.
create or replace function ticketing.session_id(p_owner text) returns text
language sql volatile parallel safe set search_path = pg_catalog, pg_temp as $$
  select concat(p_owner, ':', ticketing.uuid_v7(), '-', left(gen_random_uuid()::text, 18))
$$;
