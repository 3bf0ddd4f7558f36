import { isRefusalCode, type RefusalCode, refusalEntry } from '../core/refusals.ts'
import type { ErrorFacts } from './error.ts'
import type { Returns } from './operations.ts'

/** What came over HTTP, whoever sent it. */
export interface Answer {
  readonly status: number
  /** The header. */
  readonly retryAfter: string | null
  /** What the body's JSON says; {@link NO_JSON} where it is none, undefined where it is empty. */
  readonly value: unknown
}

export const NO_JSON: unique symbol = Symbol('no JSON')

/**
 * What an answer means. `busy`: refused, nothing was done, and soon it may be. `lost`: nobody can say whether it was done. `over`: to ask
 * again changes nothing.
 */
export type Verdict =
  | { readonly kind: 'answered'; readonly value: unknown }
  | { readonly kind: 'busy' | 'lost' | 'over'; readonly facts: ErrorFacts }

/** Parses a body; a proxy's page is {@link NO_JSON}. */
export function parseBody(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return NO_JSON
  }
}

/** What a function answers is an object; a verb says what it gives. */
export function judge(answer: Answer, returns: Returns | 'object'): Verdict {
  const { status, value } = answer
  if (status >= 200 && status < 300) {
    if (returns === 'answer' && isObject(value) && value['success'] === false) return refused(answer, value)
    return isOfShape(answer, returns) ? { kind: 'answered', value: value ?? null } : noAnswer(answer)
  }
  return isObject(value) && codeOf(value) !== undefined ? refused(answer, value) : foreign(answer)
}

function isOfShape({ status, value }: Answer, returns: Returns | 'object'): boolean {
  switch (returns) {
    case 'object':
      return isObject(value)
    case 'answer':
      return isObject(value) && value['success'] === true
    case 'rows':
      return Array.isArray(value)
    case 'value':
      return value !== NO_JSON && value !== undefined
    case 'nothing':
      return status === 204
  }
}

type Body = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Of a function, whatever the version of the server: its sentence begins with the code. */
function isPrefix(code: string, sentence: unknown): boolean {
  return typeof sentence === 'string' && sentence.startsWith(`${code}: `)
}

/**
 * Functions have `code` or `error_code`, verbs `error` or `error_code`, PostgREST a code of its own with ours in its hint. Two checkouts
 * have another name for INSUFFICIENT_TICKETS. Undefined where none of us has written it.
 */
function codeOf({ success, code, error_code, error, hint }: Body): string | undefined {
  const given = [hint, error_code, code, error].find(isRefusalCode)
  if (given !== undefined) return given
  if (error_code === 'INSUFFICIENT_INVENTORY') return 'INSUFFICIENT_TICKETS'
  const own = [error_code, code].find((it) => typeof it === 'string' && isPrefix(it, error))
  if (own !== undefined) return String(own)
  // Raised by a verb that has no answer to refuse with, whose message begins with the code.
  if (typeof code === 'string' && RAISED.test(code)) return code === 'PT503' ? 'LOCK_TIMEOUT' : code
  return success === false ? [error_code, error].find(isCode) : undefined
}

/** Of a verb of a newer server. */
function isCode(said: unknown): said is string {
  return typeof said === 'string' && /^[A-Z][A-Z\d]*(?:_[A-Z\d]+)*$/.test(said)
}

/** A SQLSTATE or a code of PostgREST. */
const RAISED = /^(?:(?=.*\d)[0-9A-Z]{5}|PGRST\d{3})$/

function refused({ status, retryAfter }: Answer, body: Body): Verdict {
  const code = codeOf(body) ?? 'HTTP_ERROR'
  const { success: _, code: _code, error, error_code, message, ...more } = body
  const said = typeof error === 'string' && error !== code ? error : message
  const isUnsure = UNSURE.has(code) || (status >= 500 && !isRefusalCode(code) && !RAISED.test(code))
  const kind = BUSY.has(code) ? 'busy' : isUnsure ? 'lost' : 'over'
  const facts: ErrorFacts = {
    code,
    message: typeof said === 'string' ? said.replace(/^[A-Z_]+: /, '') : textOf(code),
    status,
    outcome: kind === 'lost' || code === 'INTERNAL_ERROR' ? 'unknown' : 'refused',
    retryAfterSeconds: secondsOf(retryAfter) ?? entryOf(code)?.retryAfterSeconds,
    more,
  }
  return { kind, facts }
}

/** The transaction was rolled back, or there was none. */
const BUSY = codes(
  [
    'LOCK_TIMEOUT',
    'SERVER_BUSY',
    'DATABASE_BUSY',
    'DATABASE_FULL',
    'DATABASE_READ_ONLY',
    'DATABASE_UNREACHABLE',
  ],
  ['40001', '40P01', '55P03', 'PGRST000', 'PGRST002', 'PGRST003'],
)

/** The server itself does not know: its database or the provider did not answer. A code that is newer than this client counts so at 5xx. */
const UNSURE = codes(
  ['DATABASE_TIMEOUT', 'COMMIT_UNCONFIRMED', 'PAYMENT_UNAVAILABLE'],
  ['57P01', '57P02', '57P03', 'PGRST001'],
)

function codes(ours: readonly RefusalCode[], raised: readonly string[]): ReadonlySet<string> {
  return new Set([...ours, ...raised])
}

/** A proxy's own answer. What it says of its server (5xx) tells nothing of the request; what it says of the request (4xx) ends it. */
function foreign(answer: Answer): Verdict {
  const { status, retryAfter, value } = answer
  if (status < 400 || status >= 500 || status === REQUEST_TIMEOUT) return noAnswer(answer)
  const said = isObject(value) ? (value['message'] ?? value['msg'] ?? value['error']) : undefined
  return {
    kind: 'over',
    facts: {
      code: 'HTTP_ERROR',
      message:
        typeof said === 'string' ? said : `The request was refused before it reached Admit Once (${status}).`,
      status,
      outcome: 'refused',
      retryAfterSeconds: secondsOf(retryAfter),
      ...(isObject(value) ? { more: value } : {}),
    },
  }
}

const REQUEST_TIMEOUT = 408

function noAnswer({ status, retryAfter }: Answer): Verdict {
  return lost(`What came was no answer of Admit Once (${status}).`, {
    status,
    retryAfterSeconds: secondsOf(retryAfter),
  })
}

export function lost(message: string, more: Partial<ErrorFacts> = {}): Verdict {
  return { kind: 'lost', facts: { code: 'NO_ANSWER', message, status: 0, outcome: 'unknown', ...more } }
}

/** Retry-After, in seconds or as a date of HTTP. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header.trim())) return Number(header)
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - Date.now()) / 1000))
}

function textOf(code: string): string {
  return entryOf(code)?.message ?? code
}

function entryOf(code: string) {
  return isRefusalCode(code) ? refusalEntry(code) : undefined
}
