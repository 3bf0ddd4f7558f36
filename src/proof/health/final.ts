import type { Client } from 'pg'
import type { StatementHealth, TableHealth } from '../measures.ts'

const TABLES_MAX = 12
const STATEMENTS_MAX = 10
const STATEMENT_CHARACTERS_MAX = 200

/** Table statistics after the load: those with the most dead rows first. */
export async function readTables(client: Client): Promise<readonly TableHealth[]> {
  const { rows } = await client.query<TableHealth>(
    `select relname as name, n_live_tup::int as live, n_dead_tup::int as dead,
       to_char(greatest(last_vacuum, last_autovacuum) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "lastVacuum",
       pg_total_relation_size(relid)::float as bytes
     from pg_stat_user_tables where n_live_tup + n_dead_tup > 0 order by n_dead_tup desc, relname limit ${TABLES_MAX}`,
  )
  return rows
}

/**
 * Deadlocks in this database since it was made: a backend tells the statistics late, so that one may be missing from the count of
 * the scenario that it happened in.
 */
export async function readDeadlocks(client: Client): Promise<number> {
  const { rows } = await client.query<{ deadlocks: number }>(
    'select deadlocks::int as deadlocks from pg_stat_database where datname = current_database()',
  )
  return rows[0]?.deadlocks ?? 0
}

/** pg_stat_statements, the longest first; null where the extension is not in this database. */
export async function readStatements(client: Client): Promise<readonly StatementHealth[] | null> {
  const [schema] = (
    await client.query<{ name: string }>(
      `select quote_ident(nspname) as name from pg_extension join pg_namespace n on n.oid = extnamespace
       where extname = 'pg_stat_statements' and current_setting('shared_preload_libraries') like '%pg_stat_statements%'`,
    )
  ).rows
  if (schema === undefined) return null
  const { rows } = await client.query<StatementHealth>(
    `select left(regexp_replace(query, '\\s+', ' ', 'g'), ${STATEMENT_CHARACTERS_MAX}) as statement, calls::int as calls,
       mean_exec_time as "meanMs", max_exec_time as "maxMs", total_exec_time as "totalMs"
     from ${schema.name}.pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())
       and query ~* '^\\s*(/\\*.*?\\*/\\s*)?(select|insert|update|delete|with|call)\\y'
     order by max_exec_time desc limit ${STATEMENTS_MAX}`,
  )
  return rows
}

/** Installs pg_stat_statements where the server has loaded it; where that is not allowed, the samples are all there is. */
export async function enableStatements(client: Client): Promise<void> {
  const loaded = `select current_setting('shared_preload_libraries') like '%pg_stat_statements%' as loaded`
  const [{ loaded: isLoaded = false } = {}] = (await client.query<{ loaded: boolean }>(loaded)).rows
  if (!isLoaded) return
  await client
    .query(
      'create schema if not exists monitor; create extension if not exists pg_stat_statements schema monitor',
    )
    .catch(() => undefined)
}
