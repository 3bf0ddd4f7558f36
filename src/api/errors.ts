/** One refusal: its HTTP status, what a person reads, and for how long a retry makes no sense. */
interface ErrorEntry {
  readonly status: number
  readonly message: string
  readonly retryAfterSeconds?: number
}

/**
 * Every code that a function answers with, and nothing else does. Where the database refuses, its own words go out;
 * the messages here are those, letter by letter, for what is refused before it is asked.
 */
export const errorCodes = {
  AMOUNT_NOT_CHARGEABLE: {
    status: 400,
    message: 'This amount cannot be charged: it is below or above what the payment provider takes.',
  },
  INVALID_PARTY_SIZE: { status: 400, message: 'The party size must be a whole number from 1 to 1000.' },
  INVALID_QUANTITY: { status: 400, message: 'The quantity must be a whole number from 1 to 1000.' },
  INVALID_REQUEST: { status: 400, message: 'The request is not valid.' },
  INVALID_SIGNATURE: { status: 400, message: 'The signature is missing, too old, or not ours.' },
  PERSON_REQUIRED: {
    status: 400,
    message: 'These tickets are limited per person: sign in or give an e-mail address.',
  },
  UNAUTHORIZED: { status: 401, message: 'Sign in first.' },
  FORBIDDEN: { status: 403, message: 'This belongs to somebody else.' },
  EVENT_NOT_FOUND: { status: 404, message: 'There is no such event.' },
  NOT_FOUND: { status: 404, message: 'There is nothing here.' },
  OFFER_NOT_FOUND: { status: 404, message: 'There is no such offer.' },
  ORDER_NOT_FOUND: { status: 404, message: 'There is no such order.' },
  SESSION_NOT_FOUND: { status: 404, message: 'There is no such checkout session.' },
  TICKET_NOT_FOUND: { status: 404, message: 'This ticket is not of this order.' },
  NO_SLOTS: { status: 404, message: 'There are no tables on that day.' },
  TIER_NOT_FOUND: { status: 404, message: 'There is no such ticket tier.' },
  METHOD_NOT_ALLOWED: { status: 405, message: 'This method does not work here.' },
  ALREADY_CLAIMED: { status: 409, message: 'This offer is one claim a person, and you have yours.' },
  ALREADY_REFUNDED: { status: 409, message: 'These tickets were refunded already.' },
  INSUFFICIENT_SPOTS: { status: 409, message: 'Not enough places are left in this offer.' },
  INSUFFICIENT_TICKETS: { status: 409, message: 'Not enough tickets available.' },
  LIMIT_EXCEEDED: { status: 409, message: 'More tickets than one order or one person may have.' },
  OFFER_INACTIVE: { status: 409, message: 'This offer is not open.' },
  ORDER_NOT_PAID: { status: 409, message: 'The order is not paid.' },
  PARTY_TOO_LARGE: { status: 409, message: 'The party is larger than this table takes.' },
  SALE_NOT_OPEN: { status: 409, message: 'The sale of this tier is not open.' },
  SLOT_FULL: { status: 409, message: 'This time is fully booked.' },
  TICKET_USED: {
    status: 409,
    message: 'This ticket was scanned; it is refunded only when that is confirmed.',
  },
  TIER_INACTIVE: { status: 409, message: 'This tier is not on sale.' },
  TIME_NOT_IN_SLOT: { status: 409, message: 'There is no table at that time.' },
  EVENT_ENDED: { status: 410, message: 'The event is over.' },
  HOLD_EXPIRED: { status: 410, message: 'The time to pay for these tickets is over.' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The request body is too large.' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, message: 'This Idempotency-Key was used for another request.' },
  TOO_MANY_REQUESTS: { status: 429, message: 'Too many requests, slow down.', retryAfterSeconds: 1 },
  INTERNAL_ERROR: { status: 500, message: 'Something went wrong on our side.' },
  PAYMENT_REFUSED: { status: 502, message: 'The payment provider refused this order.' },
  DATABASE_UNREACHABLE: { status: 503, message: 'The database is not reachable.', retryAfterSeconds: 1 },
  LOCK_TIMEOUT: { status: 503, message: 'Server busy, please try again.', retryAfterSeconds: 1 },
  NOT_INSTALLED: { status: 503, message: 'Admit Once is not installed in this database.' },
  PAYMENT_UNAVAILABLE: {
    status: 503,
    message: 'The payment provider does not answer; the tickets are held, please try again.',
    retryAfterSeconds: 5,
  },
  PROTECTION_MISSING: { status: 503, message: 'A protection is missing.' },
  SIGNING_KEY_REVOKED: {
    status: 503,
    message: 'The key that signs tickets here was revoked; nothing is sold until there is another.',
  },
  SERVER_BUSY: { status: 503, message: 'Server busy, please try again.', retryAfterSeconds: 1 },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorCodes

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code)
}

export function errorEntry(code: ErrorCode): ErrorEntry {
  return errorCodes[code]
}
