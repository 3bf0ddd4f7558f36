import { refusalEntry } from '../../core/refusals.ts'
import { DatabaseError, type SqlError, sqlErrorOf } from '../../db/failures.ts'
import { databaseAnswer } from '../functions/contract.ts'
import { json, type Reply } from '../http.ts'
import type { TokenRefusal } from '../tokens.ts'
import { SqlRefusal } from './sql-refusal.ts'

/**
 * The HTTP status of each SQLSTATE, as PostgREST maps them; the first pattern that the code starts with decides, and
 * what none matches is 400. Three more depend on the message or the caller: 21000, 22023 and 42501.
 */
export const sqlStatuses: readonly (readonly [start: string, status: number])[] = [
  ['08', 503],
  ['09', 500],
  ['0L', 403],
  ['0P', 403],
  ['21000', 500],
  ['23503', 409],
  ['23505', 409],
  ['25006', 405],
  ['25', 500],
  ['28', 403],
  ['2D', 500],
  ['38', 500],
  ['39', 500],
  ['3B', 500],
  ['40', 500],
  ['42501', 403],
  ['42883', 404],
  ['42P01', 404],
  ['42P17', 500],
  ['53400', 500],
  ['53', 503],
  ['54', 500],
  ['55', 500],
  ['57P01', 503],
  ['57', 500],
  ['58', 500],
  ['F0', 500],
  ['HV', 500],
  ['P0001', 400],
  ['P0', 500],
  ['XX', 500],
]

/** PostgREST's own refusals that this server gives, with their statuses. */
export const restStatuses = {
  /** What PostgREST leaves to the proxy before it. */
  PAYLOAD_TOO_LARGE: 413,
  PGRST000: 503,
  PGRST001: 503,
  PGRST002: 503,
  PGRST003: 504,
  PGRST100: 400,
  PGRST101: 405,
  PGRST102: 400,
  PGRST103: 416,
  PGRST105: 405,
  PGRST106: 406,
  PGRST107: 406,
  PGRST108: 400,
  PGRST109: 400,
  PGRST111: 500,
  PGRST112: 500,
  PGRST114: 400,
  PGRST115: 400,
  PGRST116: 406,
  PGRST117: 405,
  PGRST118: 400,
  PGRST121: 500,
  PGRST122: 400,
  PGRST123: 400,
  PGRST124: 400,
  PGRST125: 404,
  PGRST128: 400,
  PGRST200: 400,
  PGRST201: 300,
  PGRST202: 404,
  PGRST203: 300,
  PGRST204: 400,
  PGRST205: 404,
  PGRST301: 401,
  PGRST303: 401,
} as const

export type RestCode = keyof typeof restStatuses

/** Thrown by the REST handlers; becomes PostgREST's error body. */
export class RestError extends Error {
  readonly code: RestCode
  readonly details: ErrorBody['details']
  readonly hint: string | null
  constructor(
    code: RestCode,
    message: string,
    details: ErrorBody['details'] = null,
    hint: string | null = null,
  ) {
    super(message)
    this.code = code
    this.details = details
    this.hint = hint
  }
}

/** The answer to whatever a REST handler threw; undefined when it is a bug of ours. */
export function restErrorReply(error: unknown, role: string): Reply | undefined {
  if (error instanceof RestError) return fromRest(error)
  if (error instanceof DatabaseError) return databaseReply(error)
  if (error instanceof SqlRefusal) return fromSql({ ...error, message: error.message, detail: null }, role)
  const sql = sqlErrorOf(error)
  return sql === undefined ? undefined : fromSql(sql, role)
}

export function tokenReply(refusal: TokenRefusal): Reply {
  const { code, message, details } = refusal
  return errorReply(
    restStatuses[code],
    { code, message, details, hint: null },
    {
      'WWW-Authenticate': `Bearer error="invalid_token", error_description=${JSON.stringify(message)}`,
    },
  )
}

/** An error in PostgREST's shape, headers included. */
export function errorReply(status: number, body: ErrorBody, headers: Record<string, string> = {}): Reply {
  return json(status, body, {
    'Proxy-Status': `PostgREST; error=${body.code.replace(/[^\w-]/g, '')}`,
    ...headers,
  })
}

interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly details: string | readonly object[] | null
  readonly hint: string | null
}

function fromRest({ code, message, details, hint }: RestError): Reply {
  return errorReply(restStatuses[code], { code, message, details, hint })
}

/** PostgREST's words; the hint has the code that functions answer with. */
function databaseReply(error: DatabaseError): Reply {
  const hint = databaseAnswer(error)
  const { message, retryAfterSeconds = 1 } = refusalEntry(hint)
  const [code, said, details] = restWords(error, message)
  return errorReply(
    restStatuses[code],
    { code, message: said, details, hint },
    { 'Retry-After': String(retryAfterSeconds) },
  )
}

function restWords({ code }: DatabaseError, details: string): readonly [RestCode, string, string | null] {
  switch (code) {
    case 'POOL_EXHAUSTED':
      return ['PGRST003', 'Timed out acquiring connection from connection pool.', null]
    case 'CONNECTION_LOST':
    case 'TIMED_OUT':
    case 'READ_ONLY':
    case 'DISK_FULL':
    case 'COMMIT_UNCONFIRMED':
      return ['PGRST001', 'Database client error. Retrying the connection.', details]
    default:
      return ['PGRST000', 'Database connection error.', null]
  }
}

function fromSql(error: SqlError, role: string): Reply {
  if (error.code === 'PGRST') return raisedReply(error)
  const { code, message, detail: details, hint } = error
  const status = sqlStatus(error, role)
  const headers: Record<string, string> = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}
  return errorReply(status, { code, message, details, hint }, headers)
}

export function sqlStatus({ code, message }: SqlError, role: string): number {
  if (code.startsWith('PT')) return validStatus(Number(code.slice(2))) ?? 500
  if (code === '42501' && role === 'anon') return 401
  if (code === '21000' && /requires a WHERE clause$|^ON CONFLICT DO UPDATE/.test(message)) return 400
  if (code === '22023' && message.startsWith('role') && message.endsWith('does not exist')) return 401
  return sqlStatuses.find(([start]) => code.startsWith(start))?.[1] ?? 400
}

/** RAISE SQLSTATE 'PGRST': the function writes the whole answer, as JSON in its MESSAGE and DETAIL. */
function raisedReply({ message, detail }: SqlError): Reply {
  const { code, message: text, details = null, hint = null } = parseObject(message)
  if (typeof code !== 'string' || typeof text !== 'string') {
    return fromRest(badRaise(`Invalid JSON value for MESSAGE: '${message}'`, MESSAGE_HINT))
  }
  if (detail === null) return fromRest(badRaise('DETAIL is missing in the RAISE statement', DETAIL_HINT))
  const { status: number, headers: named } = parseObject(detail)
  const status = validStatus(number)
  const headers = stringHeaders(named)
  if (status === undefined || headers === undefined) {
    return fromRest(badRaise(`Invalid JSON value for DETAIL: '${detail}'`, DETAIL_HINT))
  }
  return errorReply(
    status,
    { code, message: text, details: textOrNull(details), hint: textOrNull(hint) },
    headers,
  )
}

function badRaise(details: string, hint: string): RestError {
  return new RestError(
    'PGRST121',
    'Could not parse JSON in the "RAISE SQLSTATE \'PGRST\'" error',
    details,
    hint,
  )
}

const MESSAGE_HINT =
  "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'."
const DETAIL_HINT =
  "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."

/** A status that a Response can have. */
export function validStatus(value: unknown): number | undefined {
  const isStatus = typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599
  return isStatus ? value : undefined
}

/** Headers that a Response can have: names and values are checked by the platform itself. */
export function stringHeaders(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return undefined
  try {
    new Headers(entries)
  } catch {
    return undefined
  }
  return Object.fromEntries(entries)
}

/** An object without keys where the text is no JSON object. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
