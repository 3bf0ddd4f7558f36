import { type CommandDef, defineCommand, runCommand, showUsage } from 'citty'
import { explain } from './failure.ts'
import { version } from './version.ts'

/** What a command ends with when it could not run. `prove` also has 1 for FAIL and 2 for INCONCLUSIVE. */
const COULD_NOT_RUN = 3

const commands = {
  start: () => import('./start.ts').then((m) => m.start),
  prove: () => import('./prove.ts').then((m) => m.prove),
  verify: () => import('./verify.ts').then((m) => m.verify),
  check: () => import('./check.ts').then((m) => m.check),
  fixtures: () => import('./fixtures.ts').then((m) => m.fixtures),
  migrate: () => import('./migrate.ts').then((m) => m.migrate),
  sql: () => import('./sql.ts').then((m) => m.sql),
}

const main = defineCommand({
  meta: { name: 'admit-one', version, description: 'Sold once, admitted once, and it proves it' },
  subCommands: commands,
})

const [name = '', ...rest] = process.argv.slice(2)
if (name === '--version' || name === '-v') console.log(version)
else if (!(name in commands)) {
  await showUsage(main)
  const asked = name === '' || name === '--help' || name === '-h' || name === 'help'
  if (!asked) console.error(`There is no command "${name}".`)
  process.exitCode = asked ? 0 : COULD_NOT_RUN
} else await run(name as keyof typeof commands, rest)

async function run(command: keyof typeof commands, rawArgs: string[]): Promise<void> {
  try {
    const definition = (await commands[command]()) as CommandDef
    if (rawArgs.includes('--help') || rawArgs.includes('-h')) await showUsage(definition, main)
    else await runCommand(definition, { rawArgs })
  } catch (error) {
    console.error(explain(error))
    process.exitCode = COULD_NOT_RUN
  }
}
