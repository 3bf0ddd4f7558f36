import { functionsOf } from '../../src/core/guarantee.ts'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { row } from './literals.ts'

/** `protections.sql`: what holds each guarantee, and the law that counts after it, from the registry of guarantees. */
export function protectionsSql(): string {
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
