import { after } from 'node:test'
import { openPgBouncer, type PgBouncer, type PgBouncerSettings } from '../../src/cli/pgbouncer.ts'
import { findPgBouncer } from '../../src/load/pgbouncer.ts'

export type { PgBouncer }

/** PGBOUNCER_PATH names one that is not where it is looked for. */
const found = await findPgBouncer(process.env['PGBOUNCER_PATH'] || undefined)

/** Why tests through a real PgBouncer cannot run here; false where they can. */
export const noPgBouncer =
  found === undefined ? 'no PgBouncer was found: install it, or name it in PGBOUNCER_PATH' : false

/** In front of one database, under the name `tickets`; gone with the test file. */
export async function makePgBouncer(to: string, settings: PgBouncerSettings = {}): Promise<PgBouncer> {
  const bouncer = await openPgBouncer(found?.path ?? 'pgbouncer', to, settings)
  after(() => bouncer.close())
  return bouncer
}
