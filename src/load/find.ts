import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { platform } from 'node:process'
import { promisify } from 'node:util'

/** A program of the user's own on this machine. */
export interface Tool {
  readonly path: string
  /** As the program says it. */
  readonly version: string
}

/** The first path that names a program which says a version; `read` finds the version in what it prints. */
export async function firstTool(
  paths: readonly (string | undefined)[],
  versionFlag: string,
  read: (output: string) => string | undefined,
): Promise<Tool | undefined> {
  for (const path of paths) {
    const version = path === undefined ? undefined : read(await output(path, [versionFlag]))
    if (path !== undefined && version !== undefined) return { path, version }
  }
  return undefined
}

export async function onPath(program: string): Promise<string | undefined> {
  const found =
    platform === 'win32' ? output('where', [program]) : output('sh', ['-c', `command -v ${program}`])
  return (await found).split(/\r?\n/)[0] || undefined
}

/** A program of PostgreSQL's among the versions that Debian installed, newest first: an ordinary PATH has not all of them. */
export async function inDebian(program: string): Promise<string[]> {
  const root = '/usr/lib/postgresql'
  const versions = await readdir(root).catch(() => [])
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin', program))
}

/** A program that does not even say its version within this time is not used. */
const PROBE_MS_MAX = 10_000

/** What a program prints, or nothing when it is not there. */
async function output(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { timeout: PROBE_MS_MAX })).stdout
  } catch {
    return ''
  }
}
