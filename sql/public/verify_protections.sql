-- verify_protections: the door to ticketing.verify_protections, whose header says what it answers.
create or replace function public.verify_protections() returns table (guarantee text, protection text, kind text, object text, active boolean, detail text)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return query select * from ticketing.verify_protections();
end
$$;
