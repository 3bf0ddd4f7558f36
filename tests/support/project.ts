import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Ended, type Environment, newHome, run } from '../cli/support.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const hook = fileURLToPath(new URL('../client/resolve.ts', import.meta.url))
/** The compiler of this checkout. */
export const TSC = fileURLToPath(import.meta.resolve('typescript/package.json')).replace(
  'package.json',
  'bin/tsc',
)

export interface Project {
  /** What the compiler says of `program.ts`, in all strictness. */
  compile(): Promise<Ended>
  run(args: readonly string[], env?: Environment): Promise<Ended>
}

/** Somebody else's project with a `program.ts` and these files beside it, supabase-js, and `admit-once/client`. */
export async function projectOf(
  program: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Project> {
  const folder = newHome('-project')
  await mkdir(folder)
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const compilerOptions = {
    ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true },
    ...{ module: 'nodenext', target: 'es2024', types: ['node'], allowImportingTsExtensions: true },
    paths: { 'admit-once/client': [join(root, 'src/client/index.ts')] },
  }
  const all = {
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['program.ts'] }),
    'program.ts': program,
    ...files,
  }
  for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), text)
  return {
    compile: () => run(process.execPath, [TSC, '-p', folder]).ended,
    run: (args, env) =>
      run(process.execPath, ['--import', hook, join(folder, 'program.ts'), ...args], env).ended,
  }
}
