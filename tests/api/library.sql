-- A small library, with one relationship of each kind and one column of each type that operators ask about.
create table public.authors (
  id integer primary key,
  name text not null,
  born date,
  facts jsonb,
  secret text
);
create table public.books (
  id integer primary key,
  author_id integer references public.authors (id),
  editor_id integer,
  title text not null,
  price numeric,
  tags text[] not null default '{}',
  lent tstzrange,
  pages int4range,
  is_new boolean,
  words tsvector generated always as (to_tsvector('english', title)) stored,
  constraint books_editor_fkey foreign key (editor_id) references public.authors (id)
);
create table public.covers (
  book_id integer primary key references public.books (id),
  color text
);
create table public.shelves (id integer primary key, label text not null);
create table public.shelved (
  book_id integer references public.books (id),
  shelf_id integer references public.shelves (id),
  primary key (book_id, shelf_id)
);
create view public.new_books with (security_invoker = true) as select id, title from public.books where is_new;

insert into public.authors values
  (1, 'Ada', '1815-12-10', '{"city": "London", "langs": ["en", "fr"], "depth": {"a": 1}}', 'x'),
  (2, 'Émile', null, null, 'y'),
  (3, 'Nobody, "Jr"', '1900-01-01', '{"city": "Rome"}', 'z');
insert into public.books (id, author_id, editor_id, title, price, tags, lent, pages, is_new) values
  (1, 1, 2, 'Notes on engines', 10.50, '{math,old}', '[2020-01-01,2020-02-01)', '[1,10)', true),
  (2, 1, null, 'Letters', null, '{letters}', null, '[10,20)', false),
  (3, 2, 1, '100% (of it), really', 3, '{}', '[2021-01-01,)', '[5,7)', null),
  (4, null, null, 'A cat and a dog_x', 7, '{old}', null, null, true);
insert into public.covers values (1, 'red'), (2, 'blue');
insert into public.shelves values (1, 'North'), (2, 'South');
insert into public.shelved values (1, 1), (1, 2), (2, 1);

grant usage on schema public to anon, authenticated, service_role;
grant select on public.books, public.covers, public.shelves, public.shelved, public.new_books to anon, authenticated, service_role;
grant select (id, name, born, facts) on public.authors to anon, authenticated;
grant select on public.authors to service_role;
