import type pg from 'pg'
import { DatabaseError } from './failures.ts'

/** The oldest server that the SQL is written for. */
const SERVER_VERSION_MIN = 15

/**
 * Refuses a server that the SQL is not written for, and one that takes no writes (target_session_attrs). Sets for how long
 * that server keeps the connection once we are gone: PostgreSQL's own answer is two hours. And lets it warn of a commit whose
 * wait for the standby was cancelled.
 */
export async function checkServer(client: pg.ClientBase, readOnly = false): Promise<void> {
  const { rows } = await client.query<{
    version: string
    strings: string
    standby: boolean
    writes: boolean
  }>({
    text: CHECK,
    query_timeout: CHECK_MS_MAX,
  } as pg.QueryConfig)
  const { version = '0', strings = '', standby, writes } = rows[0] ?? {}
  const problem = serverProblem(version, strings)
  if (problem !== undefined) throw problem
  if (readOnly || (writes && !standby)) return
  const { host, port } = client as pg.Client
  const why = standby ? 'a standby (in recovery)' : 'read-only'
  const advice = 'Name the primary in DATABASE_URL, or all hosts: they are tried in turn.'
  throw new DatabaseError('READ_ONLY', `PostgreSQL at ${host}:${port} is ${why}. ${advice}`)
}

const CHECK_MS_MAX = 5_000

/** What is late by more is gone: keepalive for an idle connection, the user timeout for what was sent and not confirmed. */
const CHECK = `select current_setting('server_version') as version,
  current_setting('standard_conforming_strings') as strings,
  pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'off' as writes,
  set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
  set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '10s', false),
  set_config('client_min_messages', 'warning', false)`

/** Why a server cannot be used: it is too old, or literals would mean something else on it. */
export function serverProblem(version: string, conformingStrings: string): DatabaseError | undefined {
  if (Number.parseInt(version, 10) < SERVER_VERSION_MIN) {
    const message = `This is PostgreSQL ${version}. Admit Once needs ${SERVER_VERSION_MIN} or newer.`
    return new DatabaseError('WRONG_VERSION', message)
  }
  if (conformingStrings === 'on') return undefined
  return new DatabaseError('WRONG_SETTING', 'Set standard_conforming_strings = on, as PostgreSQL ships it.')
}
