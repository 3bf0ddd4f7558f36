import { PARTY_SIZE_MAX, QUANTITY_MAX } from './limits.ts'

/** A refusal: its HTTP status, what a person reads, and for how long a retry makes no sense. */
export interface RefusalEntry {
  readonly status: number
  readonly message: string
  /** What staff at a gate reads instead. */
  readonly gateMessage?: string
  readonly retryAfterSeconds?: number
}

type Entries = Readonly<Record<string, RefusalEntry>>

/**
 * Precedence of refusals: why a tier cannot be held, in the documented order. A cart is refused with the first of these
 * that any of its tiers has.
 */
const tierRefusals = {
  TIER_NOT_FOUND: { status: 404, message: 'There is no such ticket tier.' },
  SEVERAL_BUSINESSES: { status: 400, message: 'A cart is of one business: order from each by itself.' },
  TIER_INACTIVE: { status: 409, message: 'This tier is not on sale.' },
  EVENT_ENDED: { status: 410, message: 'The event is over.' },
  SALE_NOT_OPEN: { status: 409, message: 'The sale of this tier is not open.' },
  FORBIDDEN: {
    status: 403,
    message: 'This belongs to somebody else.',
    gateMessage: 'Only staff may scan, and only in the name of staff.',
  },
  PERSON_REQUIRED: {
    status: 400,
    message: 'These tickets are limited per person: sign in or give an e-mail address.',
  },
  LIMIT_EXCEEDED: { status: 409, message: 'More tickets than one order or one person may have.' },
  INSUFFICIENT_TICKETS: { status: 409, message: 'Not enough tickets available.' },
} as const satisfies Entries

const requestRefusals = {
  INVALID_REQUEST: { status: 400, message: 'The request is not valid.' },
  INVALID_QUANTITY: {
    status: 400,
    message: `The quantity must be a whole number from 1 to ${QUANTITY_MAX}.`,
  },
  INVALID_PARTY_SIZE: {
    status: 400,
    message: `The party size must be a whole number from 1 to ${PARTY_SIZE_MAX}.`,
  },
  INVALID_SIGNATURE: { status: 400, message: 'The signature is missing, too old, or not ours.' },
  UNAUTHORIZED: { status: 401, message: 'Sign in first.' },
  NOT_FOUND: { status: 404, message: 'There is nothing here.', gateMessage: 'Ticket not found.' },
  METHOD_NOT_ALLOWED: { status: 405, message: 'This method does not work here.' },
  PAYLOAD_TOO_LARGE: { status: 413, message: 'The request body is too large.' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, message: 'This Idempotency-Key was used for another request.' },
} as const satisfies Entries

const orderRefusals = {
  EVENT_NOT_FOUND: { status: 404, message: 'There is no such event.' },
  ORDER_NOT_FOUND: { status: 404, message: 'There is no such order.' },
  SESSION_NOT_FOUND: { status: 404, message: 'There is no such checkout session.' },
  TICKET_NOT_FOUND: { status: 404, message: 'This ticket is not of this order.' },
  AMOUNT_NOT_CHARGEABLE: {
    status: 400,
    message: 'This amount cannot be charged: it is below or above what the payment provider takes.',
  },
  PRICE_CHANGED: { status: 409, message: 'The price is not the one that was shown; nothing was ordered.' },
  ORDER_NOT_PAID: { status: 409, message: 'The order is not paid.' },
  ORDER_PAID: { status: 409, message: 'This order has its tickets; it can be refunded, not given up.' },
  PAYMENT_UNDER_WAY: { status: 409, message: 'A payment of this order is under way.' },
  TICKET_USED: {
    status: 409,
    message: 'This ticket was scanned; it is refunded only when that is confirmed.',
  },
  ALREADY_REFUNDED: { status: 409, message: 'These tickets were refunded already.' },
  ALREADY_VOID: { status: 409, message: 'None of these tickets is valid any more.' },
  HOLD_EXPIRED: { status: 410, message: 'The time to pay for these tickets is over.' },
  NO_ACTIVE_HOLDS: { status: 404, message: 'This session holds nothing.' },
  ALREADY_EXTENDED: { status: 409, message: 'These holds were extended already.' },
  PAYMENT_REFUSED: { status: 502, message: 'The payment provider refused this order.' },
  PAYMENT_UNAVAILABLE: {
    status: 503,
    message: 'The payment provider does not answer; the tickets are held, please try again.',
    retryAfterSeconds: 5,
  },
} as const satisfies Entries

const offerAndSlotRefusals = {
  OFFER_NOT_FOUND: { status: 404, message: 'There is no such offer.' },
  OFFER_INACTIVE: { status: 409, message: 'This offer is not open.' },
  ALREADY_CLAIMED: { status: 409, message: 'This offer is one claim a person, and you have yours.' },
  INSUFFICIENT_SPOTS: { status: 409, message: 'Not enough places are left in this offer.' },
  CLAIM_NOT_FOUND: { status: 404, message: 'There is no such claim.' },
  NO_SLOTS: { status: 404, message: 'There are no tables on that day.' },
  TIME_NOT_IN_SLOT: { status: 409, message: 'There is no table at that time.' },
  PARTY_TOO_LARGE: { status: 409, message: 'The party is larger than this table takes.' },
  SLOT_FULL: { status: 409, message: 'This time is fully booked.' },
  RESERVATION_NOT_FOUND: { status: 404, message: 'There is no such booking.' },
  TIME_PASSED: { status: 410, message: 'This time is past.' },
  EVENING_OVER: { status: 410, message: 'This evening is over.' },
} as const satisfies Entries

const gateRefusals = {
  INVALID_STATUS: { status: 409, message: 'This ticket does not admit.' },
  ALREADY_USED: { status: 409, message: 'This ticket was already scanned.' },
  UNREADABLE: { status: 422, message: 'This cannot be a code: scan again.' },
  WRONG_EVENT: { status: 409, message: 'This ticket is for another event.' },
  EVENT_CANCELLED: { status: 409, message: 'The event is cancelled.' },
  TOO_EARLY: { status: 409, message: 'Entry has not begun.' },
  TOO_LATE: { status: 409, message: 'Entry is over.' },
  UNDONE: { status: 409, message: 'This scan was undone.' },
  NOT_SCANNED: { status: 409, message: 'No such scan counts.' },
  UNDO_TOO_LATE: { status: 409, message: 'This scan was too long ago to be undone.' },
  KEY_REVOKED: { status: 409, message: 'This key was revoked.' },
  KEYS_EXHAUSTED: { status: 409, message: 'There are 255 keys already, and none of them was revoked.' },
} as const satisfies Entries

const serverRefusals = {
  LOCK_TIMEOUT: { status: 503, message: 'Server busy, please try again.', retryAfterSeconds: 1 },
  SERVER_BUSY: { status: 503, message: 'Server busy, please try again.', retryAfterSeconds: 1 },
  TOO_MANY_REQUESTS: { status: 429, message: 'Too many requests, slow down.', retryAfterSeconds: 1 },
  DATABASE_UNREACHABLE: { status: 503, message: 'The database is not reachable.', retryAfterSeconds: 1 },
  DATABASE_TIMEOUT: {
    status: 503,
    message:
      'The database did not answer in time; whether it was done is unknown. Ask again with the same key.',
    retryAfterSeconds: 2,
  },
  DATABASE_READ_ONLY: {
    status: 503,
    message: 'The database takes no changes just now, please try again.',
    retryAfterSeconds: 2,
  },
  DATABASE_BUSY: {
    status: 503,
    message: 'The database has no connection left, please try again.',
    retryAfterSeconds: 2,
  },
  DATABASE_FULL: {
    status: 503,
    message: 'The database has no room left, please try again later.',
    retryAfterSeconds: 5,
  },
  COMMIT_UNCONFIRMED: {
    status: 503,
    message: 'Whether this was done is unknown. Ask again with the same key.',
    retryAfterSeconds: 2,
  },
  NOT_INSTALLED: { status: 503, message: 'Admit Once is not installed in this database.' },
  PROTECTION_MISSING: { status: 503, message: 'A protection is missing.' },
  SIGNING_KEY_REVOKED: {
    status: 503,
    message: 'The key that signs tickets here was revoked; nothing is sold until there is another.',
  },
  INTERNAL_ERROR: { status: 500, message: 'Something went wrong on our side.' },
} as const satisfies Entries

/**
 * Registry of refusals: every code that a verb or a function answers with, but for `INSUFFICIENT_INVENTORY`, as which two
 * checkouts spell INSUFFICIENT_TICKETS. The texts of SQL and its precedence are generated from it. Codes are part of the contract: clients compare them letter by letter.
 */
export const REFUSALS = {
  ...requestRefusals,
  ...tierRefusals,
  ...orderRefusals,
  ...offerAndSlotRefusals,
  ...gateRefusals,
  ...serverRefusals,
} as const satisfies Entries

export type RefusalCode = keyof typeof REFUSALS

/** Codes of {@link tierRefusals}, the first that applies first. */
export const TIER_PRECEDENCE = Object.keys(tierRefusals) as readonly (keyof typeof tierRefusals)[]

export function isRefusalCode(code: unknown): code is RefusalCode {
  return typeof code === 'string' && Object.hasOwn(REFUSALS, code)
}

export function refusalEntry(code: RefusalCode): RefusalEntry {
  return REFUSALS[code]
}
