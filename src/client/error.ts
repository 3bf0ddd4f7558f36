import type { RefusalCode } from '../core/refusals.ts'

/**
 * The code of the registry of refusals where Admit Once refused. Else `NO_ANSWER` (nothing came that is one), `NOT_SENT` (there was no
 * token to send it with), `ABORTED` (the caller's signal), `HTTP_ERROR` (somebody before the server refused it: `status` says how), or a
 * code of PostgreSQL or PostgREST.
 */
export type ErrorCode =
  | RefusalCode
  | 'NO_ANSWER'
  | 'NOT_SENT'
  | 'ABORTED'
  | 'HTTP_ERROR'
  // Any other text, without hiding the names above from an editor.
  | (string & {})

/** `refused`: nothing was done. `unknown`: it may have been done. */
export type ErrorOutcome = 'refused' | 'unknown'

export interface ErrorFacts {
  readonly code: ErrorCode
  readonly message: string
  /** Of HTTP; 0 where no answer came. */
  readonly status: number
  readonly outcome: ErrorOutcome
  /** Before that a retry makes no sense. */
  readonly retryAfterSeconds?: number | undefined
  /** What the refusal adds, such as `available`. */
  readonly more?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** Why there is no data. It is returned, not thrown; whoever likes throws it. */
export class AdmitOnceError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly outcome: ErrorOutcome
  readonly retryAfterSeconds: number | undefined
  readonly more: Readonly<Record<string, unknown>>
  /** Under which the same call may be made again, where it has one: what was done is not done twice. */
  readonly idempotencyKey: string | undefined

  constructor(
    { code, message, status, outcome, retryAfterSeconds, more = {}, cause }: ErrorFacts,
    idempotencyKey?: string,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'AdmitOnceError'
    this.code = code
    this.status = status
    this.outcome = outcome
    this.retryAfterSeconds = retryAfterSeconds
    this.more = more
    this.idempotencyKey = idempotencyKey
  }
}
