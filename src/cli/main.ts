import { stripVTControlCharacters } from 'node:util'
import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from 'citty'
import { readConfig } from '../config.ts'
import { checkArguments } from './arguments.ts'
import { COULD_NOT_RUN, explain } from './failure.ts'
import { version } from './version.ts'

const commands = {
  start: () => import('./start.ts').then((m) => m.start),
  prove: () => import('./prove.ts').then((m) => m.prove),
  'prove check': () => import('./prove-check.ts').then((m) => m.proveCheck),
  verify: () => import('./verify.ts').then((m) => m.verify),
  check: () => import('./check.ts').then((m) => m.check),
  fixtures: () => import('./fixtures.ts').then((m) => m.fixtures),
  token: () => import('./token.ts').then((m) => m.token),
  migrate: () => import('./migrate.ts').then((m) => m.migrate),
  sql: () => import('./sql.ts').then((m) => m.sql),
  types: () => import('./types.ts').then((m) => m.types),
  k6: () => import('./k6.ts').then((m) => m.k6),
  bench: () => import('./bench.ts').then((m) => m.bench),
  'stripe-smoke': () => import('./stripe-smoke.ts').then((m) => m.stripeSmoke),
}

const main = defineCommand({
  meta: { name: 'admit-once', version, description: 'Sold once, paid once, admitted once, and it proves it' },
  subCommands: commands,
})

// Who reads may go early (`| head`, a closed terminal): what was begun is still ended in order, with its exit code.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const words = process.argv.slice(2)
// `prove check` judges what a run has left; `prove <scenario>` has words of its own.
const name = words[0] === 'prove' && words[1] === 'check' ? 'prove check' : (words[0] ?? '')
const rest = words.slice(name.split(' ').length)
if (name === '--version' || name === '-v') console.log(version)
else if (Object.hasOwn(commands, name)) await run(name as keyof typeof commands, rest)
else {
  const isHelp = ['', '--help', '-h', 'help'].includes(name)
  if (isHelp) await help(main)
  else console.error(`There is no command "${name}". \`admit-once --help\` lists them.`)
  process.exitCode = isHelp ? 0 : COULD_NOT_RUN
}

async function run(command: keyof typeof commands, rawArgs: string[]): Promise<void> {
  try {
    const definition = (await commands[command]()) as CommandDef
    if (rawArgs.includes('--help') || rawArgs.includes('-h')) return await help(definition, main)
    checkArguments(command, (definition.args ?? {}) as ArgsDef, rawArgs)
    await runCommand(definition, { rawArgs })
  } catch (error) {
    console.error(explain(error))
    process.exitCode = COULD_NOT_RUN
  }
}

/** citty colours its help wherever it goes. */
async function help(command: CommandDef, parent?: CommandDef): Promise<void> {
  const usage = await renderUsage(command, parent)
  const colored = process.stdout.isTTY === true && readConfig().color
  console.log(colored ? usage : stripVTControlCharacters(usage))
}
