import { firstTool, inDebian, onPath, type Tool } from '../find.ts'

/** The first pgbench that understands `--max-tries` and `--failures-detailed`. */
const MAJOR_MIN = 15

/**
 * pgbench on the PATH, else among Debian's installed versions, newest first; undefined where there is none of version 15 or
 * newer. With `explicit`, only that program is tried, and the search throws where it does not fit.
 */
export async function findPgbench(explicit?: string): Promise<Tool | undefined> {
  const paths =
    explicit === undefined ? [await onPath('pgbench'), ...(await inDebian('pgbench'))] : [explicit]
  const pgbench = await firstTool(paths, '--version', versionIn)
  if (pgbench !== undefined || explicit === undefined) return pgbench
  throw new Error(
    `${explicit} is not a pgbench of version ${MAJOR_MIN} or newer: give its path, "off", or leave it out.`,
  )
}

/** For example `15.18`. */
function versionIn(output: string): string | undefined {
  const version = /^pgbench \(PostgreSQL\) (\S+)/.exec(output)?.[1]
  return version !== undefined && Number.parseInt(version, 10) >= MAJOR_MIN ? version : undefined
}
