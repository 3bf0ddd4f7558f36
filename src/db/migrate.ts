import { readFileSync } from 'node:fs'
import type { Client } from 'pg'

/**
 * The whole of `sql/` as one file that installs on an empty PostgreSQL 15 or newer, brings an older installation up to
 * date, and changes nothing where everything is in place. `admit-once sql` prints it; {@link migrate} runs it.
 */
export function installSql(): string {
  return include(new URL('../../sql/install.sql', import.meta.url))
}

/** The same for a Supabase project, which brings what `sql/platform` makes elsewhere. */
export function supabaseSql(): string {
  return include(new URL('../../sql/install.sql', import.meta.url), 'platform/')
}

/** What psql reads for a file: `\\ir` puts another one, named from where this one stands, in its place. Other commands are psql's own. */
function include(file: URL, without?: string): string {
  return readFileSync(file, 'utf8')
    .replaceAll(/^\\ir (.+)$/gm, (_, path: string) =>
      without !== undefined && path.startsWith(without)
        ? ''
        : include(new URL(path, file), without).trimEnd(),
    )
    .replaceAll(/^\\.*\n/gm, '')
}

/**
 * Installs or updates, in one transaction and under one lock, so that any number of processes may call it at once; jobs of
 * pg_cron, where it is, are scheduled after it. Beside a running sale it waits for a moment in which it has all tables, again
 * and again, at most {@link ATTEMPTS_MAX} times.
 * Errors: those of PostgreSQL; nothing is half-installed.
 */
export async function migrate(client: Client): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(installSql())
      return
    } catch (error) {
      await client.query('rollback')
      if (!isBusy(error) || attempt === ATTEMPTS_MAX) throw error
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS_MAX * Math.random()))
    }
  }
}

const ATTEMPTS_MAX = 100
const WAIT_MS_MAX = 200

/** The tables were in use (55P03), or a sale and the update waited for each other (40P01). */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '40P01')
}
