import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Pgbench {
  readonly path: string
  /** As pgbench says it, for example `15.18`. */
  readonly version: string
}

/** The first pgbench that understands `--max-tries` and `--failures-detailed`. */
const MAJOR_MIN = 15

/** A program that does not even tell its version within this time is not used. */
const VERSION_TIMEOUT_MS = 5_000

/**
 * Looks for pgbench on the PATH, then among Debian's installed versions, newest first; undefined where there
 * is none of version 15 or newer. With `explicit`, only that program is tried, and it throws where it does not fit.
 */
export async function findPgbench(explicit?: string): Promise<Pgbench | undefined> {
  const candidates = explicit === undefined ? [await onPath(), ...(await ofDebian())] : [explicit]
  for (const path of candidates) {
    const version = path === undefined ? undefined : await versionOf(path)
    if (path !== undefined && version !== undefined) return { path, version }
  }
  if (explicit === undefined) return undefined
  throw new Error(
    `${explicit} is not a pgbench of version ${MAJOR_MIN} or newer: give its path, or leave it out`,
  )
}

async function onPath(): Promise<string | undefined> {
  const windows = process.platform === 'win32'
  const found = await run(windows ? 'where' : 'sh', windows ? ['pgbench'] : ['-c', 'command -v pgbench'])
  return found?.split(/\r?\n/, 1)[0] || undefined
}

async function ofDebian(): Promise<string[]> {
  const root = '/usr/lib/postgresql'
  const versions = await readdir(root).catch(() => [])
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin', 'pgbench'))
}

async function versionOf(path: string): Promise<string | undefined> {
  const version = /^pgbench \(PostgreSQL\) (\S+)/.exec((await run(path, ['--version'])) ?? '')?.[1]
  return version !== undefined && Number.parseInt(version, 10) >= MAJOR_MIN ? version : undefined
}

async function run(path: string, args: readonly string[]): Promise<string | undefined> {
  const answer = promisify(execFile)(path, args, { timeout: VERSION_TIMEOUT_MS })
  return answer.then(
    ({ stdout }) => stdout,
    () => undefined,
  )
}
