import pg from 'pg'

/** Why the database could not be used; what SQL itself answers is a `SqlError` instead. */
export type DatabaseFailure =
  | 'INVALID_URL'
  | 'UNREACHABLE'
  | 'NO_RIGHTS'
  | 'NO_DATABASE'
  | 'WRONG_VERSION'
  | 'WRONG_SETTING'
  | 'NOT_INSTALLED'
  | 'POOL_EXHAUSTED'
  | 'CONNECTION_LOST'
  | 'TIMED_OUT'

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
    default:
      return new DatabaseError(
        'UNREACHABLE',
        `No connection to PostgreSQL at ${place}: ${reason}. Start it, or correct DATABASE_URL.`,
        error,
      )
  }
}

/** Turns what a statement threw into a failure, where the connection and not the statement is to blame. */
export function callFailure(error: unknown): unknown {
  if (sqlErrorOf(error) !== undefined || error instanceof DatabaseError) return error
  if (error instanceof Error && error.message === READ_TIMEOUT_MESSAGE) {
    return new DatabaseError(
      'TIMED_OUT',
      'The database did not answer in time; the outcome is unknown.',
      error,
    )
  }
  return new DatabaseError('CONNECTION_LOST', 'The connection was lost; the outcome is unknown.', error)
}

/** The two waits that the driver reports by their text only. */
const POOL_WAIT_MESSAGE = 'timeout exceeded when trying to connect'
const READ_TIMEOUT_MESSAGE = 'Query read timeout'

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
