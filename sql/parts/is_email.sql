-- Written by `npm run generate` from src/core/email.ts; a test compares the two.

-- is_email: whether a receipt could reach this address.
create or replace function ticketing.is_email(p_text text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select length(p_text) <= 320 and p_text ~ '^(?!.*\.\.)[^\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff@<>"]+@[^\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff@<>".]+(\.[^\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff@<>".]+)+$'
$$;
