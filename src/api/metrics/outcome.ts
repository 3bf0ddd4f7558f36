import { type ErrorKind, errorKindOf } from '../../core/error-rates.ts'
import type { Reply } from '../http.ts'

/** The code that an answer refuses with, wherever it stands; empty where it refuses nothing. */
export function codeOf(reply: Reply | Response): string {
  if (reply instanceof Response) return ''
  const { status, body, headers } = reply
  const [, named] = ERROR_IN_HEADER.exec(headers['Proxy-Status'] ?? '') ?? []
  if (named !== undefined) return named
  if (body === null || body.length > REFUSAL_CHARS_MAX) return ''
  if (status < 400 && !FAILED.test(body)) return ''
  if (!(headers['Content-Type'] ?? '').includes('json')) return ''
  return codeIn(body)
}

/** As PostgREST names it: there where a HEAD has no body, and one of the database's may be long. */
const ERROR_IN_HEADER = /^PostgREST; error=([\w-]+)$/

/** A refusal is short; an answer that is longer is looked at by nobody here. */
const REFUSAL_CHARS_MAX = 4_096
const FAILED = /"success" ?: ?false/

/** Functions and PostgREST call it `code`; verbs `error_code`, or `error` beside their message. */
function codeIn(body: string): string {
  try {
    const { code, error_code, error } = JSON.parse(body) as Readonly<Record<string, unknown>>
    const found = code ?? error_code ?? error
    return typeof found === 'string' ? found : ''
  } catch {
    return ''
  }
}

/** What the answer is in the error taxonomy. SQLSTATEs are counted where the database is called, whatever came of them. */
export function kindOf(reply: Reply | Response, code: string): ErrorKind | undefined {
  if (code !== '' && !SQLSTATE.test(code)) {
    const kind = errorKindOf(code)
    if (kind !== undefined) return kind
  }
  if (reply.status === 500) return 'server_error'
  const isReplay = !(reply instanceof Response) && 'X-Idempotent-Replay' in reply.headers
  return isReplay ? 'duplicate_request' : undefined
}

const SQLSTATE = /^[0-9][0-9A-Z]{4}$/
