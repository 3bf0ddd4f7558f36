import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import type { ArgsDef } from 'citty'
import { CommandError } from './failure.ts'

/**
 * Refuses what citty passes over: an option that the command does not have, one without its value, a word where none is
 * read. A typing error in `--profile` must not become a run with another one.
 */
export function checkArguments(command: string, definition: ArgsDef, given: readonly string[]): void {
  const described = Object.entries(definition)
  try {
    parseArgs({
      args: [...given],
      options: Object.fromEntries(described.flatMap(optionOf)),
      allowPositionals: described.some(([, { type }]) => type === 'positional'),
      allowNegative: true,
    })
  } catch (error) {
    const [reason] = error instanceof Error ? error.message.split(/\. |\n/) : [String(error)]
    throw new CommandError(`${reason}. \`admit-once ${command} --help\` lists what it takes.`)
  }
}

function optionOf([name, { type, ...rest }]: [string, ArgsDef[string]]): [
  string,
  ParseArgsOptionsConfig[string],
][] {
  if (type === 'positional') return []
  const short = 'alias' in rest && typeof rest.alias === 'string' ? { short: rest.alias } : {}
  return [[name, { type: type === 'boolean' ? 'boolean' : 'string', ...short }]]
}
