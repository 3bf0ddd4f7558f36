import type { z } from 'zod'
import type { Lane } from '../../core/capacity.ts'
import { databaseCondition, isDatabaseCondition } from '../../core/database-conditions.ts'
import { type RefusalCode, refusalEntry } from '../../core/refusals.ts'
import type { Caller } from '../../db/call.ts'
import { DatabaseError, sqlErrorOf } from '../../db/failures.ts'
import type { Database } from '../../db/pool.ts'
import type { DatabaseWatch } from '../../db/watch.ts'
import type { Checkout } from '../../desk/buying.ts'
import type { Refused } from '../../desk/verb.ts'
import type { PaymentProvider } from '../../payments/provider.ts'
import type { CodeSigner } from '../code-signer.ts'
import { json, type Reply, readBody } from '../http.ts'
import { PLAIN, type Wording } from './wording.ts'

/** Bodies of functions are small where none says otherwise; a larger one is refused with 413. */
export const BODY_BYTES_MAX = 64 * 1024

/** Whose money moves: nobody's (`test`, `stand-in`), the buyers' (`live`), or none can (`none`). */
export const PAYMENT_MODES = ['live', 'test', 'stand-in', 'none'] as const
export type PaymentMode = (typeof PAYMENT_MODES)[number]

export interface FunctionContext {
  readonly database: Database
  readonly caller: Caller
  /** Buys a cart, together with others who want the same tiers. */
  readonly checkout: Checkout
  /** What is wrong with the database, as calls of this server have seen it. */
  readonly watch?: DatabaseWatch
  /** Signs what gates read, and reads it. */
  readonly codes: CodeSigner
  /** Where people reach this server, without a slash at the end. */
  readonly publicUrl: string
  /** The network that the request came from: who a guest is that names nothing else. */
  readonly from?: string | undefined
  /** Absent where only free tickets can be ordered. */
  readonly payments?: PaymentProvider
  readonly paymentMode: PaymentMode
  /** Origins that buyers may be sent to after paying, beside our own; none listed: any. */
  readonly allowedRedirects: readonly string[]
}

/** One function under `/functions/v1/<name>`: Web-standard in, plain parts out. */
export interface EdgeFunction {
  readonly methods: readonly string[]
  /** The JSON body that it takes; none where it is absent. */
  readonly body?: z.ZodType
  /** The parameters of the URL that it takes. */
  readonly query?: z.ZodObject
  /** Reads `Idempotency-Key`: a call that is sent again under the same one is the same call. */
  readonly isKeyed?: true
  /** What it answers with 200. */
  readonly answer: z.ZodType
  /** Codes that it refuses with, beside those that any function may. */
  readonly refusals: readonly RefusalCode[]
  /** {@link PLAIN} where it has none of its own. */
  readonly wording?: Wording
  /** `buyers` where it is absent. */
  readonly lane?: Lane
  /** {@link BODY_BYTES_MAX} where it is absent. */
  readonly bodyBytesMax?: number
  /** Who may ask at all; anybody where it is absent. Others are refused by the head of their request, before its body is read. */
  readonly needs?: 'user' | 'service_role'
  /** What the head tells beside that; throws a `Refusal`. */
  greet?(request: Request, context: Pick<FunctionContext, 'payments'>): void
  /** A check without a place and without the database, such as a signature; throws a `Refusal`. */
  check?(request: Request, context: Pick<FunctionContext, 'payments'>): Promise<void>
  handle(request: Request, context: FunctionContext): Promise<Reply>
}

/** Thrown to refuse: becomes an answer with the status of the code. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly more: Readonly<Record<string, unknown>>
  /** For the log, not for the caller: codes and advice, nothing of a person. */
  readonly note: string | undefined
  constructor(
    code: RefusalCode,
    message: string = refusalEntry(code).message,
    more: Readonly<Record<string, unknown>> = {},
    note?: string,
  ) {
    super(message)
    this.code = code
    this.more = more
    this.note = note
  }
}

/**
 * Nothing is sold whose code a gate would refuse. The one refusal that comes before a verb's: it is about this server, which alone
 * knows the key that it signs with, and needs no look-up.
 */
export function requireSigningKey({ isRevoked }: CodeSigner): void {
  if (isRevoked) throw new Refusal('SIGNING_KEY_REVOKED')
}

export function refusalReply(
  refusal: Refusal,
  wording: Wording = PLAIN,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const { status, retryAfterSeconds } = refusalEntry(refusal.code)
  const retry: Record<string, string> = retryAfterSeconds ? { 'Retry-After': String(retryAfterSeconds) } : {}
  const reply = json(status, wording.write(refusal), { ...retry, ...headers })
  return { ...reply, note: refusal.note === undefined ? refusal.code : `${refusal.code}: ${refusal.note}` }
}

/** The verb's refusal, in its words; what it adds, such as `available`, is passed on. */
export function refusalIn({ code, message, more }: Refused): Refusal {
  return new Refusal(code, message, more)
}

/** The refusal in what a handler threw; undefined when it is a bug of ours. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error
  if (error instanceof DatabaseError) {
    return new Refusal(databaseAnswer(error), undefined, {}, error.message)
  }
  const state = sqlErrorOf(error)?.code
  const code = state === undefined ? undefined : sqlRefusals.find(([start]) => state.startsWith(start))?.[1]
  return code === undefined ? undefined : new Refusal(code)
}

/**
 * Where the database fails after a commit: what was asked for stands, and what became of it is not known, so that "try again" would be
 * wrong. Throws what the database is not to blame for.
 */
export function leftOpen(error: unknown): { kind: 'unknown'; code: RefusalCode; message: string } {
  const refusal = error instanceof Refusal ? undefined : refusalOf(error)
  if (refusal === undefined) throw error
  return { kind: 'unknown', code: refusal.code, message: refusal.code }
}

/** What callers are told of a database that cannot be used: its condition; anything else is as good as unreachable. */
export function databaseAnswer({ code }: DatabaseError): RefusalCode {
  return isDatabaseCondition(code) ? databaseCondition(code).answer : 'DATABASE_UNREACHABLE'
}

/** What a SQLSTATE that a verb let through means to a caller; anything else is a bug. */
const sqlRefusals: readonly (readonly [start: string, code: RefusalCode])[] = [
  ['22', 'INVALID_REQUEST'],
  ['40', 'LOCK_TIMEOUT'],
  ['42501', 'FORBIDDEN'],
  ['53', 'SERVER_BUSY'],
  ['55P03', 'LOCK_TIMEOUT'],
  ['57014', 'LOCK_TIMEOUT'],
  ['57', 'SERVER_BUSY'],
]

/**
 * CSRF: a browser sends text or a form to any site without asking first, so that a link or form elsewhere could hold tickets;
 * that is refused. What it asks for first (JSON, a key, a token) any site may send, as CORS allows; scripts send no Origin, and
 * name any type or none.
 */
export function refuseForeignText({ headers }: Request): void {
  if (
    headers.has('origin') &&
    !PREFLIGHTED.some((name) => headers.has(name)) &&
    !JSON_TYPE.test(headers.get('content-type') ?? '')
  ) {
    throw new Refusal('INVALID_REQUEST', 'A page sends Content-Type: application/json.')
  }
}

/** The parsed JSON body, an empty one as `{}`. */
export async function readJson(request: Request, bytesMax: number = BODY_BYTES_MAX): Promise<unknown> {
  const body = await readText(request, bytesMax)
  if (body !== '') refuseForeignText(request)
  try {
    return body === '' ? {} : JSON.parse(body)
  } catch {
    throw new Refusal('INVALID_REQUEST', 'the body is not valid JSON')
  }
}

/** Headers that no browser sends to another site without a preflight; supabase-js always sends them, and text as `text/plain`. */
const PREFLIGHTED = ['apikey', 'authorization']
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i

/** The body's text; refuses what is larger than `bytesMax`, is no UTF-8, or ends before its end. */
export async function readText(request: Request, bytesMax: number): Promise<string> {
  const body = await readBody(request, bytesMax).catch((error: unknown) => {
    const what = error instanceof TypeError ? 'is not valid UTF-8' : 'did not arrive whole'
    throw new Refusal('INVALID_REQUEST', `the body ${what}`)
  })
  if (body === undefined) throw new Refusal('PAYLOAD_TOO_LARGE')
  return body
}
