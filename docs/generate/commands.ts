import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { type CommandDef, type CommandMeta, renderUsage } from 'citty'
import { code, page, table } from './markdown.ts'

/** Every command of the CLI, in the words of its own help. */
export async function commandsPage(): Promise<string> {
  const commands = await Promise.all(commandNames().map(commandNamed))
  return page(
    'Commands',
    'src/cli',
    'Inside a checkout each is `npx admit-once …` or `npm run admit-once -- …`. Exit 0 is success, 3 is "could not run".',
    table(
      ['command', 'does'],
      commands.map(({ name, does }) => [`[\`admit-once ${name}\`](#${name.replace(' ', '-')})`, does]),
    ),
    ...commands.map(({ name, usage }) => `## ${name}\n\n${code(usage, 'text')}`),
  )
}

/** In the order in which the help lists them. Main runs where it is imported, so it is read. */
function commandNames(): string[] {
  const main = readFileSync('src/cli/main.ts', 'utf8')
  return [...main.matchAll(/import\('\.\/([\w-]+)\.ts'\)/g)].map(([, name = '']) => name)
}

async function commandNamed(file: string) {
  const exported: object = await import(`../../src/cli/${file}.ts`)
  const command = Object.values(exported).find(
    (it: CommandDef) => metaOf(it)?.name?.replace(' ', '-') === file,
  ) as CommandDef
  const usage = stripVTControlCharacters(await renderUsage(command, { meta: { name: 'admit-once' } }))
  const name = metaOf(command)?.name ?? file
  return { name, does: metaOf(command)?.description ?? '', usage: usage.replaceAll(/[ \t]+$/gm, '').trim() }
}

function metaOf({ meta }: CommandDef): CommandMeta | undefined {
  return typeof meta === 'object' && 'name' in meta ? meta : undefined
}
