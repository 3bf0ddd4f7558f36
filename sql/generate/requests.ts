import { EMAIL_LENGTH_MAX, EMAIL_PATTERN, INVISIBLE } from '../../src/core/email.ts'

/** What a request may say, from the rules in `src/core`. */
export function requestsSql(): string {
  return `-- Written by \`npm run generate\` from src/core/email.ts; a test compares the two.

-- is_email: whether a receipt could reach this address, and it is written as a person has it once: no width, composition or
-- character that nobody sees makes another person of it, and its domain is ASCII. Of case \`lower\` takes care.
create or replace function ticketing.is_email(p_text text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select length(p_text) <= ${EMAIL_LENGTH_MAX} and p_text = normalize(p_text, NFKC)
    and p_text !~ '[${rangesOf(INVISIBLE)}]'
    and p_text ~ '${patternSql(EMAIL_PATTERN)}'
$$;
`
}

/** The white space of JavaScript's \s, whatever the database's locale calls space. */
const WHITE_SPACE = String.raw`\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff`

/** Control characters; text in PostgreSQL has no NUL. */
const CONTROL = String.raw`\u0001-\u001f\u007f-\u009f`

/** A pattern of JavaScript as an advanced regular expression of PostgreSQL. */
function patternSql(pattern: RegExp): string {
  return pattern.source
    .replaceAll(String.raw`\p{Cc}`, CONTROL)
    .replaceAll(String.raw`\s`, WHITE_SPACE)
    .replaceAll("'", "''")
}

/** The characters that a pattern of one character matches, as the ranges of a bracket expression. */
function rangesOf(pattern: RegExp): string {
  const one = new RegExp(pattern.source, 'u')
  let ranges = ''
  for (let from = 0; from <= CODE_POINT_MAX; from++) {
    if (!one.test(String.fromCodePoint(from))) continue
    let to = from
    while (to < CODE_POINT_MAX && one.test(String.fromCodePoint(to + 1))) to++
    ranges += from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`
    from = to
  }
  return ranges
}

const CODE_POINT_MAX = 0x10ffff

function escaped(codePoint: number): string {
  return `\\U${codePoint.toString(16).padStart(8, '0')}`
}
