-- Written by `npm run generate` from src/core/email.ts; a test compares the two.

-- is_email: whether a receipt could reach this address, and it is written as a person has it once: no width, composition or
-- character that nobody sees makes another person of it, and its domain is ASCII. Of case `lower` takes care.
create or replace function ticketing.is_email(p_text text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select length(p_text) <= 320 and p_text = normalize(p_text, NFKC)
    and p_text !~ '[\U000000ad\U0000034f\U00000600-\U00000605\U0000061c\U000006dd\U0000070f\U00000890-\U00000891\U000008e2\U0000115f-\U00001160\U000017b4-\U000017b5\U0000180b-\U0000180f\U0000200b-\U0000200f\U0000202a-\U0000202e\U00002060-\U0000206f\U00003164\U0000fe00-\U0000fe0f\U0000feff\U0000ffa0\U0000fff0-\U0000fffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]'
    and p_text ~ '^(?!.*\.\.)[^\u0001-\u001f\u007f-\u009f"(),:;<>@\u005b-\u005d\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+@([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*$'
$$;
