import { type Caller, call } from './call.ts'
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
export const DURABILITY = `select (select count(*) from pg_catalog.pg_stat_replication r
    where r.state is distinct from 'backup' and coalesce(r.application_name, '') <> 'pg_basebackup' and not exists (
      select from pg_catalog.pg_replication_slots s where s.slot_type = 'logical' and s.active_pid = r.pid)) as standbys,
  current_setting('synchronous_standby_names') <> ''
    and current_setting('synchronous_commit') not in ('off', 'local') as waits`

function durabilityOf(row: readonly (string | null)[] | undefined): Durability {
  return { standbys: Number(row?.[0]), waits: row?.[1] === 't' }
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
