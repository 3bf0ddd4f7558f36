import { functionsOf } from '../../src/core/guarantee.ts'
import { GUARANTEES, type Guarantee, type Protection } from '../../src/core/guarantees.ts'
import { page, table } from './markdown.ts'

/** The guarantees in short: promise, and how many protections refuse and count. */
export function guaranteesTable(): string {
  return table(
    ['#', 'guarantee', 'the promise', 'refused by', 'counted by'],
    GUARANTEES.map(({ number, name, promise, protections }) => {
      const count = (role: Protection['role']) => String(protections.filter((p) => p.role === role).length)
      return [String(number), `\`${name}\``, promise, count('refuses'), count('counts')]
    }),
  )
}

/** Every protection, law and scenario of every guarantee. */
export function guaranteesPage(): string {
  return page(
    'Guarantees in full',
    'src/core/guarantees.ts',
    'What the roles mean and what sabotage shows: [Guarantees](../concepts/guarantees.md).',
    ...GUARANTEES.map(section),
  )
}

function section({ number, name, promise, laws, scenarios, protections }: Guarantee): string {
  return [
    `## ${number}. ${name}`,
    promise,
    `Laws: ${laws.length === 0 ? 'none' : list(laws.map((law) => `ticketing.law_${law}`))}. Put under load by ${list(scenarios)}.`,
    table(['protection', 'role', 'kind', 'on'], protections.map(row)),
  ].join('\n\n')
}

function row(protection: Protection): string[] {
  const { name, role, kind, object } = protection
  const isDecision = kind === 'decision'
  const where = isDecision
    ? list([object, ...functionsOf(protection).filter((it) => it !== object)])
    : `\`${object}\``
  return [/ /.test(name) ? name : `\`${name}\``, role, kind, where]
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}
