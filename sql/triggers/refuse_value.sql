-- refuse_value: what nobody could show, read or keep: a time that no calendar has, a name of blanks, a text without end. Conditions
-- stand in the triggers, so that a write of other columns, the counters' above all, runs none of them. Times are from 1900 to 9999,
-- in seconds: no time zone of a session changes how they are written.
create or replace function ticketing.refuse_value() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '%: %', tg_argv[0], tg_argv[1]
    using errcode = '23514', constraint = tg_name, table = tg_table_name, schema = 'public';
end
$$;

create or replace trigger trg_refuse_times before insert or update of start_at, end_at, entry_from, entry_until on public.events
  for each row when (extract(epoch from least(new.start_at, new.end_at, new.entry_from, new.entry_until)) < -2208988800
    or extract(epoch from greatest(new.start_at, new.end_at, new.entry_from, new.entry_until)) >= 253402214400)
  execute function ticketing.refuse_value('TIME_OUT_OF_RANGE', 'a time is between the years 1900 and 9999');
create or replace trigger trg_refuse_times before insert or update of sale_start_at, sale_end_at on public.ticket_tiers
  for each row when (extract(epoch from least(new.sale_start_at, new.sale_end_at)) < -2208988800
    or extract(epoch from greatest(new.sale_start_at, new.sale_end_at)) >= 253402214400)
  execute function ticketing.refuse_value('TIME_OUT_OF_RANGE', 'a time is between the years 1900 and 9999');
create or replace trigger trg_refuse_times before insert or update of starts_at, ends_at on public.discounts
  for each row when (extract(epoch from least(new.starts_at, new.ends_at)) < -2208988800
    or extract(epoch from greatest(new.starts_at, new.ends_at)) >= 253402214400)
  execute function ticketing.refuse_value('TIME_OUT_OF_RANGE', 'a time is between the years 1900 and 9999');
create or replace trigger trg_refuse_reversed before insert or update of starts_at, ends_at on public.discounts
  for each row when (new.ends_at <= new.starts_at)
  execute function ticketing.refuse_value('TIMES_REVERSED', 'an offer ends after it starts');

create or replace trigger trg_refuse_texts before insert or update of name on public.businesses
  for each row when (new.name !~ '\S') execute function ticketing.refuse_value('BLANK', 'a name has more than blanks');
create or replace trigger trg_refuse_texts before insert or update of name on public.ticket_tiers
  for each row when (new.name !~ '\S') execute function ticketing.refuse_value('BLANK', 'a name has more than blanks');
create or replace trigger trg_refuse_texts before insert or update of title on public.discounts
  for each row when (new.title !~ '\S') execute function ticketing.refuse_value('BLANK', 'a title has more than blanks');
create or replace trigger trg_refuse_texts before insert or update of title on public.events
  for each row when (new.title !~ '\S') execute function ticketing.refuse_value('BLANK', 'a title has more than blanks');
create or replace trigger trg_refuse_lengths before insert or update of description, venue, city, country, category, cover_image_url
  on public.events for each row when (length(new.description) > 20000 or length(new.cover_image_url) > 2000
    or greatest(length(new.venue), length(new.city), length(new.country), length(new.category)) > 300)
  execute function ticketing.refuse_value('TEXT_TOO_LONG',
    'a description has 20000 characters at most, an address of a picture 2000, venue, city, country and category 300');
