/** One refusal: its HTTP status, what a person reads, and for how long a retry makes no sense. */
interface ErrorEntry {
  readonly status: number
  readonly message: string
  readonly retryAfterSeconds?: number
}

/** Every code that a function answers with, and nothing else does. */
export const errorCodes = {
  INVALID_REQUEST: { status: 400, message: 'The request is not valid' },
  INVALID_QUANTITY: { status: 400, message: 'The quantity must be a whole number from 1 to 1000' },
  UNAUTHORIZED: { status: 401, message: 'Send a valid token' },
  FORBIDDEN: { status: 403, message: 'You may not do this' },
  NOT_FOUND: { status: 404, message: 'There is nothing here' },
  EVENT_NOT_FOUND: { status: 404, message: 'There is no such event' },
  TIER_NOT_FOUND: { status: 404, message: 'There is no such tier at this event' },
  METHOD_NOT_ALLOWED: { status: 405, message: 'This method does not work here' },
  INSUFFICIENT_TICKETS: { status: 409, message: 'Not enough tickets' },
  LIMIT_EXCEEDED: { status: 409, message: 'That is more than one person may have' },
  SALE_NOT_OPEN: { status: 409, message: 'These tickets are not on sale now' },
  TIER_INACTIVE: { status: 409, message: 'This tier is not for sale' },
  EVENT_ENDED: { status: 410, message: 'The event is over' },
  HOLD_EXPIRED: { status: 410, message: 'The hold on these tickets has expired' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The request body is too large' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, message: 'This Idempotency-Key came with another request before' },
  INTERNAL_ERROR: { status: 500, message: 'Something went wrong on our side' },
  LOCK_TIMEOUT: { status: 503, message: 'Server busy, try again', retryAfterSeconds: 1 },
  SERVER_BUSY: { status: 503, message: 'Server busy, try again', retryAfterSeconds: 1 },
  PAYMENT_UNAVAILABLE: {
    status: 503,
    message: 'Payments are not available, try again',
    retryAfterSeconds: 5,
  },
  DATABASE_UNREACHABLE: { status: 503, message: 'The database is not reachable', retryAfterSeconds: 1 },
  NOT_INSTALLED: { status: 503, message: 'Admit One is not installed in this database' },
  PROTECTION_MISSING: { status: 503, message: 'A protection is missing' },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorCodes

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code)
}

export function errorEntry(code: ErrorCode): ErrorEntry {
  return errorCodes[code]
}
