import { z } from 'zod'
import { environment } from '../../src/environment.ts'
import { page, table } from './markdown.ts'

interface Variable {
  readonly description?: string
  readonly default?: string | number
}

/** Every variable of the environment that is read. */
export function variablesPage(): string {
  const { properties = {} } = z.toJSONSchema(environment, { io: 'input', unrepresentable: 'any' })
  return page(
    'Variables',
    'src/config.ts',
    `The environment is the only configuration, and an empty variable is one that is not set. What cannot be right is refused at the
start, with the variable's name.`,
    table(
      ['variable', 'default', 'what it is'],
      Object.entries(properties as Readonly<Record<string, Variable>>).map(([name, variable]) => [
        `\`${name}\``,
        variable.default === undefined || variable.default === '' ? '' : `\`${variable.default}\``,
        variable.description ?? '',
      ]),
    ),
    `Times of holds, sessions and doors are [settings](limits.md#settings) in the database. What to set
[behind a proxy](behind-a-proxy.md), [for Stripe](stripe.md), [for keys](keys.md).`,
  )
}
