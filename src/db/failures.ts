import pg from 'pg'
import { conditionOfState, type DatabaseConditionName } from '../core/database-conditions.ts'

/**
 * Why the database could not be used; what SQL itself answers is a `SqlError` instead. Besides the conditions that pass: what an
 * operator has to put right.
 */
export type DatabaseFailure =
  | DatabaseConditionName
  | 'INVALID_URL'
  | 'NO_RIGHTS'
  | 'NO_DATABASE'
  | 'WRONG_VERSION'
  | 'WRONG_SETTING'
  | 'NOT_INSTALLED'

/** The database cannot be used. The message says what to do and never holds the password. */
export class DatabaseError extends Error {
  readonly code: DatabaseFailure
  constructor(code: DatabaseFailure, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DatabaseError'
    this.code = code
  }
}

/** An error that a statement raised; its transaction is rolled back and the session is clean. */
export interface SqlError {
  /** SQLSTATE, five characters. */
  readonly code: string
  readonly message: string
  readonly detail: string | null
  readonly hint: string | null
}

/** The SQL error in what was thrown; undefined when the connection, not the statement, failed. */
export function sqlErrorOf(error: unknown): SqlError | undefined {
  if (!(error instanceof pg.DatabaseError) || endsSession(error)) return undefined
  const { code = 'XX000', message, detail = null, hint = null } = error
  return { code, message, detail, hint }
}

/** FATAL and PANIC end the session, whatever their SQLSTATE says. */
function endsSession(error: pg.DatabaseError): boolean {
  return error.severity === 'FATAL' || error.severity === 'PANIC'
}

/** Where a pool connects to, in words that may be shown: no password. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

/** Turns what `connect` threw into a failure that says what to do. */
export function connectFailure(error: unknown, at: Address): DatabaseError {
  if (error instanceof DatabaseError) return error
  const place = `${at.host}:${at.port}`
  const reason = error instanceof Error ? error.message || codeOf(error) : String(error)
  if (reason === POOL_WAIT_MESSAGE) {
    return new DatabaseError('POOL_EXHAUSTED', `All connections to ${place} were busy for too long.`, error)
  }
  switch (codeOf(error)) {
    case '28P01':
    case '28000':
      return new DatabaseError(
        'NO_RIGHTS',
        `PostgreSQL at ${place} refused user "${at.user}": ${reason}. Correct user and password in DATABASE_URL.`,
        error,
      )
    case '3D000':
      return new DatabaseError(
        'NO_DATABASE',
        `PostgreSQL at ${place} has no database "${at.database}". Create it, or correct DATABASE_URL.`,
        error,
      )
  }
  if (POOLER_KNOWS_NONE.test(reason)) {
    const message = `PgBouncer at ${place} leads to no database "${at.database}": ${reason}. Name it among its [databases], or correct DATABASE_URL.`
    return new DatabaseError('NO_DATABASE', message, error)
  }
  if (POOLER_IS_FULL.test(reason)) return fullPooler(reason, error)
  if (reason === CHECK_WAIT_MESSAGE) {
    return new DatabaseError('TIMED_OUT', `${place} takes connections, and answers nothing in time.`, error)
  }
  const condition = conditionOfState(codeOf(error))
  if (condition === 'CONNECTIONS_USED_UP') {
    const message = `PostgreSQL at ${place} takes no more connections: ${reason}. Raise max_connections, or end some.`
    return new DatabaseError('CONNECTIONS_USED_UP', message, error)
  }
  const message = `No connection to PostgreSQL at ${place}: ${reason}. Start it, or correct DATABASE_URL.`
  return new DatabaseError(condition ?? 'UNREACHABLE', message, error)
}

/** PgBouncer says so without a SQLSTATE of its own. */
const POOLER_KNOWS_NONE = /bouncer config error|no such database/
/** Said to a new client, and to a call that waited for a connection to PostgreSQL: that one was not begun. */
const POOLER_IS_FULL = /no more connections allowed|query_wait_timeout/
const POOLER_HAS_NO_SERVER = /server login has been failing|pgbouncer cannot connect to server/

function fullPooler(reason: string, cause: unknown): DatabaseError {
  const message = `PgBouncer gives no connection: ${reason}. Raise max_client_conn and default_pool_size, or end some.`
  return new DatabaseError('CONNECTIONS_USED_UP', message, cause)
}

/**
 * Turns what a statement threw into a failure, where the database and not the statement is to blame. Who asked for a
 * read-only transaction is not told that the database is read-only.
 */
export function callFailure(error: unknown, isReadOnly = false): unknown {
  if (error instanceof DatabaseError) return error
  const sql = sqlErrorOf(error)
  if (sql === undefined) {
    const reason = reasonOf(error)
    if (POOLER_IS_FULL.test(reason)) return fullPooler(reason, error)
    if (POOLER_HAS_NO_SERVER.test(reason)) {
      return new DatabaseError('UNREACHABLE', `PgBouncer has no connection to PostgreSQL: ${reason}.`, error)
    }
    return new DatabaseError(
      'CONNECTION_LOST',
      `The connection was lost (${reason}); the outcome is unknown.`,
      error,
    )
  }
  const condition = conditionOfState(sql.code)
  if (condition === undefined || (condition === 'READ_ONLY' && isReadOnly)) return error
  return new DatabaseError(condition, `PostgreSQL: ${sql.message} (${sql.code}).`, error)
}

/** What the driver reports by its text only. */
const POOL_WAIT_MESSAGE = 'timeout exceeded when trying to connect'
const CHECK_WAIT_MESSAGE = 'Query read timeout'

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
