import { EMAIL_LENGTH_MAX, EMAIL_PATTERN } from '../../src/core/email.ts'

/** What a request may say, from the rules in `src/core`. */
export function requestsSql(): string {
  return `-- Written by \`npm run generate\` from src/core/email.ts; a test compares the two.

-- is_email: whether a receipt could reach this address.
create or replace function ticketing.is_email(p_text text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select length(p_text) <= ${EMAIL_LENGTH_MAX} and p_text ~ '${patternSql(EMAIL_PATTERN)}'
$$;
`
}

/** The white space of JavaScript's \s, whatever the database's locale calls space. */
const WHITE_SPACE = String.raw`\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff`

/** A pattern of JavaScript as an advanced regular expression of PostgreSQL. */
function patternSql(pattern: RegExp): string {
  return pattern.source.replaceAll(String.raw`\s`, WHITE_SPACE).replaceAll("'", "''")
}
