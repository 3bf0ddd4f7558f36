import { integer, json, optional, text, uuid } from './parameters.ts'
import { verb } from './verb.ts'

/** Holds some of one tier, in a session of its own, for 15 minutes. */
export const reserveTicketsAtomically = verb('reserve_tickets_atomically', 'buyers', {
  tier_id: uuid,
  quantity: integer,
})
  .refuses(
    'INVALID_QUANTITY',
    'TIER_NOT_FOUND',
    'TIER_INACTIVE',
    'SALE_NOT_OPEN',
    'PERSON_REQUIRED',
    'LIMIT_EXCEEDED',
    'INSUFFICIENT_TICKETS',
    'LOCK_TIMEOUT',
  )
  .answers<{
    readonly hold_id: string
    readonly session_id: string
    readonly expires_at: string
    readonly remaining: number
  }>()

/** Holds every asked tier for one session, or none of them. */
export const reserveTicketsBatch = verb('reserve_tickets_batch', 'buyers', {
  reservations: json,
  session_id: optional(text),
  user_id: optional(uuid),
  expires_minutes: optional(integer),
})
  .refuses(
    'INVALID_REQUEST',
    'INVALID_QUANTITY',
    'FORBIDDEN',
    'TIER_NOT_FOUND',
    'SEVERAL_BUSINESSES',
    'TIER_INACTIVE',
    'EVENT_ENDED',
    'SALE_NOT_OPEN',
    'PERSON_REQUIRED',
    'LIMIT_EXCEEDED',
    'INSUFFICIENT_TICKETS',
    'LOCK_TIMEOUT',
  )
  .answers<{
    readonly session_id: string
    readonly user_id: string | null
    readonly expires_at: string
    readonly total_items: number
    readonly hold_ids: readonly string[]
    readonly reservations: readonly Reservation[]
  }>()

/** One tier's part of a batch. */
interface Reservation {
  readonly tier_id: string
  readonly hold_id: string
  readonly quantity: number
  /** What the session holds of the tier now. */
  readonly held: number
  readonly remaining: number
  readonly expires_at: string
}

/** Gives back some of one tier from the caller's own holds, newest first. */
export const releaseTickets = verb('release_tickets', 'buyers', {
  tier_id: uuid,
  quantity: integer,
}).givesNothing()

/** Gives back everything that a session holds and is not paying for. */
export const releaseTicketHolds = verb('release_ticket_holds', 'buyers', { session_id: text })
  .refuses('INVALID_REQUEST', 'FORBIDDEN', 'LOCK_TIMEOUT')
  .answers<{ readonly released: number }>()

/** Moves the end of a session's holds, once. */
export const extendTicketHolds = verb('extend_ticket_holds', 'buyers', {
  session_id: text,
  extend_minutes: integer,
})
  .refuses('INVALID_REQUEST', 'FORBIDDEN', 'NO_ACTIVE_HOLDS', 'ALREADY_EXTENDED', 'LOCK_TIMEOUT')
  .answers<{ readonly expires_at: string }>()

/** Ends holds whose time is up, and gives how many. */
export const expireTicketHolds = verb('expire_ticket_holds', 'buyers', {
  limit: optional(integer),
}).gives<number>()
