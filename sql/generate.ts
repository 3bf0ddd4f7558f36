/** Writes the SQL that stands in a registry of `src/core` (`npm run generate`). */
import { writeFileSync } from 'node:fs'
import { functionsOf } from '../src/core/guarantee.ts'
import { GUARANTEES } from '../src/core/guarantees.ts'
import { currenciesSql } from './currencies.ts'
import { refusalsSql } from './refusals.ts'
import { requestsSql } from './requests.ts'

/** Every generated file, by its path under sql/. */
export const generated: Readonly<Record<string, () => string>> = {
  'protections.sql': protectionsSql,
  'ticketing/currencies.sql': currenciesSql,
  'ticketing/refusals.sql': refusalsSql,
  'ticketing/requests.sql': requestsSql,
}

function protectionsSql(): string {
  const protections = GUARANTEES.flatMap((g) => g.protections.map((p) => ({ guarantee: g.name, ...p })))
  const laws = GUARANTEES.flatMap((g) => g.laws.map((law) => ({ guarantee: g.name, law })))
  return `-- Written by \`npm run generate\` from src/core/guarantees.ts; a test compares the two.
delete from ticketing.protections;
insert into ticketing.protections (position, guarantee, protection, role, kind, object, functions) values
${protections
  .map((p, i) => row(i + 1, p.guarantee, p.name, p.role, p.kind, p.object, `{${functionsOf(p).join(',')}}`))
  .join(',\n')};

delete from ticketing.laws;
insert into ticketing.laws (position, guarantee, law) values
${laws.map((l, i) => row(i + 1, l.guarantee, l.law)).join(',\n')};
`
}

function row(...values: readonly (string | number)[]): string {
  const literals = values.map((v) => (typeof v === 'number' ? String(v) : `'${v.replaceAll("'", "''")}'`))
  return `  (${literals.join(', ')})`
}

if (import.meta.main) {
  for (const [path, sql] of Object.entries(generated)) writeFileSync(new URL(path, import.meta.url), sql())
}
