import type { Caller } from '../../db/call.ts'
import { DatabaseError, sqlErrorOf } from '../../db/failures.ts'
import type { Database } from '../../db/pool.ts'
import { type ErrorCode, errorEntry } from '../errors.ts'
import { json, type Reply, readBody } from '../http.ts'

export interface FunctionContext {
  readonly database: Database
  readonly caller: Caller
  /** Where people reach this server, without a slash at the end. */
  readonly publicUrl: string
}

/** One function under `/functions/v1/<name>`: Web-standard in, plain parts out. */
export interface EdgeFunction {
  readonly methods: readonly string[]
  handle(request: Request, context: FunctionContext): Promise<Reply>
}

/** Thrown to refuse: becomes `{success:false, error, code}` with the status of the code. */
export class Refusal extends Error {
  readonly code: ErrorCode
  readonly more: Readonly<Record<string, unknown>>
  constructor(
    code: ErrorCode,
    message: string = errorEntry(code).message,
    more: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
    this.code = code
    this.more = more
  }
}

/** `error` begins with the code, so that scripts which look at the text find it. */
export function refusalReply({ code, message, more }: Refusal, headers: Record<string, string> = {}): Reply {
  const { status, retryAfterSeconds } = errorEntry(code)
  const retry: Record<string, string> = retryAfterSeconds ? { 'Retry-After': String(retryAfterSeconds) } : {}
  return json(
    status,
    { success: false, error: `${code}: ${message}`, code, ...more },
    { ...retry, ...headers },
  )
}

/** The refusal in what a handler threw; undefined when it is a bug of ours. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error
  if (error instanceof DatabaseError) {
    return new Refusal(error.code === 'POOL_EXHAUSTED' ? 'SERVER_BUSY' : 'DATABASE_UNREACHABLE')
  }
  const state = sqlErrorOf(error)?.code
  const code = state === undefined ? undefined : sqlRefusals.find(([start]) => state.startsWith(start))?.[1]
  return code === undefined ? undefined : new Refusal(code)
}

/** What a SQLSTATE that a verb let through means to a buyer; anything else is a bug. */
const sqlRefusals: readonly (readonly [start: string, code: ErrorCode])[] = [
  ['22', 'INVALID_REQUEST'],
  ['40', 'LOCK_TIMEOUT'],
  ['42501', 'FORBIDDEN'],
  ['53', 'SERVER_BUSY'],
  ['55P03', 'LOCK_TIMEOUT'],
  ['57014', 'LOCK_TIMEOUT'],
  ['57', 'SERVER_BUSY'],
]

/** The parsed JSON body, an empty one as `{}`. */
export async function readJson(request: Request): Promise<unknown> {
  const body = await readBody(request).catch((error: unknown) => {
    throw error instanceof TypeError ? new Refusal('INVALID_REQUEST', 'the body is not valid UTF-8') : error
  })
  if (body === undefined) throw new Refusal('PAYLOAD_TOO_LARGE')
  try {
    return body === '' ? {} : JSON.parse(body)
  } catch {
    throw new Refusal('INVALID_REQUEST', 'the body is not valid JSON')
  }
}
