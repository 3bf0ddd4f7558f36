import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { type Caller, call } from './call.ts'
import { connect } from './connection.ts'
import { DatabaseError } from './failures.ts'
import type { Runner } from './pool.ts'

/** What a commit is worth where this server's machine is lost. */
export interface Durability {
  /** Standbys that stream from it, synchronous or not. */
  readonly standbys: number
  /** Whether a commit waits until one of them has it. */
  readonly waits: boolean
}

/** What is said wherever {@link losesAtFailover} is true. */
export const LOSES_AT_FAILOVER =
  'A standby is attached and commits do not wait for it: acknowledged orders can be lost at a failover. Set synchronous_standby_names, and synchronous_commit to on.'

/** A standby that is promoted lacks what was acknowledged a moment before. */
export function losesAtFailover({ standbys, waits }: Durability): boolean {
  return standbys > 0 && !waits
}

/** One row: {@link Durability}. Who may not see a walsender's name counts it; those of logical slots are no standbys. */
const DURABILITY = `select (select count(*) from pg_catalog.pg_stat_replication r
    where r.state is distinct from 'backup' and coalesce(r.application_name, '') <> 'pg_basebackup' and not exists (
      select from pg_catalog.pg_replication_slots s where s.slot_type = 'logical' and s.active_pid = r.pid)) as standbys,
  current_setting('synchronous_standby_names') <> ''
    and current_setting('synchronous_commit') not in ('off', 'local') as waits`

function durabilityOf(row: readonly (string | null)[] | undefined): Durability {
  return { standbys: Number(row?.[0]), waits: row?.[1] === 't' }
}

export async function readDurability(database: Runner): Promise<Durability> {
  return durabilityOf((await database.run(DURABILITY))[0])
}

/**
 * Whether a commit gets through, to the disk and to the standby that it waits for, in the name of who may change events.
 * Nothing of it stays: the lock on no row is refused where writes are; the temporary file is there because room in the
 * write-ahead log says nothing about room for a table; and an empty commit would be neither flushed nor waited for, one with
 * a message in the log is.
 */
export async function tryCommit(database: Runner, caller: Caller): Promise<Durability> {
  const rows = await call(database, { caller, sql: TRY })
  return durabilityOf(rows[0])
}

const TRY = `select from public.events where false for update;
select set_config('work_mem', '64kB', true);
select count(*) from pg_catalog.generate_series(1, 10000);
select pg_catalog.pg_logical_emit_message(true, 'admit-once', 'health');
${DURABILITY}`

/** How long the commit before a command's work may take. */
const COMMIT_MS_MAX = 10_000
const CANCEL_MS_MAX = 3_000

/**
 * Throws TIMED_OUT where no commit gets through. Asked before a command writes: it would wait for the standby and say nothing, an
 * installation with all tables locked.
 */
export async function requireCommits(client: pg.Client, url: string): Promise<void> {
  const mark = randomUUID()
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => deadline.reject(new DatabaseError('TIMED_OUT', NO_COMMIT)), COMMIT_MS_MAX)
  const commit = client.query(`select pg_catalog.pg_logical_emit_message(true, 'admit-once', '${mark}')`)
  try {
    await Promise.race([commit, deadline.promise])
  } catch (error) {
    commit.catch(() => undefined)
    await endWait(url, mark).catch(() => undefined)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** PostgreSQL would keep what waits though its client is gone: with each start of a service one connection more. */
async function endWait(url: string, mark: string): Promise<void> {
  const other = await connect(url, { application_name: 'admit-once', query_timeout: CANCEL_MS_MAX })
  try {
    await other.query(
      `select pg_catalog.pg_cancel_backend(pid) from pg_catalog.pg_stat_activity
        where wait_event = 'SyncRep' and strpos(query, $1) > 0 and pid <> pg_catalog.pg_backend_pid()`,
      [mark],
    )
  } finally {
    await other.end()
  }
}

const NO_COMMIT = `No commit gets through in ${COMMIT_MS_MAX / 1000} s. Where commits wait for a standby, see pg_stat_replication: start it, or take its name out of synchronous_standby_names.`
