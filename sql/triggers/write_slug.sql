-- write_slug: the slug that was not given, from the name or title, with the end of the id where another has it.
-- Locks:  the slug, so that two who make it at once get two.
create or replace function ticketing.write_slug() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '5s' as $$
declare
  v_row jsonb := to_jsonb(new);
  v_words text := lower(coalesce(v_row ->> 'title', v_row ->> 'name'));
  v_slug text := trim('-' from left(trim('-' from regexp_replace(v_words, '[^a-z0-9]+', '-', 'g')), 80));
  v_taken boolean := false;
begin
  perform pg_advisory_xact_lock(hashtextextended('slug:' || tg_table_name || ':' || v_slug, 0));
  if v_slug is null then
    return new;
  elsif v_slug = '' then
    v_slug := left(tg_table_name, -1);
    v_taken := true;
  elsif tg_table_name = 'ticket_tiers' then
    v_taken := exists (select from public.ticket_tiers t where t.event_id = new.event_id and t.slug = v_slug);
  elsif tg_table_name = 'events' then
    v_taken := exists (select from public.events e where e.slug = v_slug);
  else
    v_taken := exists (select from public.businesses b where b.slug = v_slug);
  end if;
  new.slug := case when v_taken then v_slug || '-' || right(new.id::text, 8) else v_slug end;
  return new;
end
$$;

create or replace trigger trg_write_slug before insert on public.businesses
  for each row when (new.slug is null) execute function ticketing.write_slug();
create or replace trigger trg_write_slug before insert on public.events
  for each row when (new.slug is null) execute function ticketing.write_slug();
create or replace trigger trg_write_slug before insert on public.ticket_tiers
  for each row when (new.slug is null) execute function ticketing.write_slug();
