import { firstTool, onPath, type Tool } from './find.ts'

/** The first PgBouncer that says a version: on the PATH, or where Debian keeps it; only `explicit` where that is given. */
export async function findPgBouncer(explicit?: string): Promise<Tool | undefined> {
  const paths = explicit === undefined ? [await onPath('pgbouncer'), DEBIAN] : [explicit]
  const pgbouncer = await firstTool(paths, '--version', versionIn)
  if (pgbouncer !== undefined || explicit === undefined) return pgbouncer
  throw new Error(`${explicit} is not a PgBouncer: give its path, "off", or leave it out.`)
}

/** An ordinary user's PATH does not have it. */
const DEBIAN = '/usr/sbin/pgbouncer'

/** For example `1.18.0`. */
function versionIn(output: string): string | undefined {
  return /^PgBouncer (\S+)/.exec(output)?.[1]
}
