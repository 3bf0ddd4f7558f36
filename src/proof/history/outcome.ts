import type { Operation, Verb } from './format.ts'

/** An operation as whoever made the request wrote it down. Times by a clock of their own. */
export interface Answer {
  readonly operation: Verb
  readonly key?: string | undefined
  readonly asked: Operation['asked']
  readonly answered?: Operation['answered']
  readonly call: number
  readonly return: number
  readonly intended?: number
  /** Of HTTP; 0 where no answer came. */
  readonly status: number
  readonly success?: boolean
  readonly code?: string | undefined
}

type Judged = Pick<Operation, 'outcome' | 'code' | 'return'>

/** Was it done? Anything that does not say so for sure is unknown, as a cut connection is. */
export function outcomeOf({ status, success, code, return: returned }: Answer): Judged {
  if (status === 0) return { outcome: 'unknown', code: 'no answer', return: null }
  const isDone = status >= 200 && status < 300 && success !== false
  const name = code ?? (isDone ? 'success' : String(status))
  return {
    outcome: isDone ? 'ok' : isRefusal(status, name) ? 'refused' : 'unknown',
    code: name,
    return: returned,
  }
}

function isRefusal(status: number, code: string): boolean {
  if (OF_AN_ORDER.has(code)) return false
  if (status >= 500) return NOTHING_BEGAN.has(code)
  // A redirect says nothing.
  return status < 300 || (status >= 400 && status !== REQUEST_TIMEOUT)
}

const REQUEST_TIMEOUT = 408
/** Refusals of an order that is there: its payment may still arrive. */
const OF_AN_ORDER: ReadonlySet<string> = new Set(['HOLD_EXPIRED'])
/** Of the 5xx, those that say that nothing was done. */
const NOTHING_BEGAN: ReadonlySet<string> = new Set([
  'LOCK_TIMEOUT',
  'SERVER_BUSY',
  'DATABASE_UNREACHABLE',
  'DATABASE_READ_ONLY',
  'DATABASE_BUSY',
])
