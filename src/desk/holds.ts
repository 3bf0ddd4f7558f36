import { z } from 'zod'
import { count, moment } from './answers.ts'
import { integer, json, jsonOf, listOf, optional, text, uuid } from './parameters.ts'
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
  .answers(z.object({ hold_id: z.guid(), session_id: z.string(), expires_at: moment, remaining: count }))

/** One tier's part of a batch. */
const reservation = z.object({
  tier_id: z.guid(),
  hold_id: z.guid(),
  quantity: count,
  /** What the session holds of the tier now. */
  held: count,
  remaining: count,
  expires_at: moment,
})

/** Holds every asked tier for one session, or none of them. */
export const reserveTicketsBatch = verb('reserve_tickets_batch', 'buyers', {
  reservations: jsonOf(z.array(z.object({ tier_id: z.guid(), quantity: z.int32() }))),
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
  .answers(
    z.object({
      session_id: z.string(),
      user_id: z.guid().nullable(),
      expires_at: moment,
      total_items: count,
      hold_ids: z.array(z.guid()),
      reservations: z.array(reservation),
    }),
  )

/**
 * Answers many requests in order of arrival, each by itself, with one commit for all: in each place, as PostgreSQL's text of it,
 * what `reserve_tickets_batch` answers where `carts` has a value there, else what `reserve_tickets_atomically` does. Null, and
 * nothing is held, where that verb's door is to be asked in the caller's own role. 1 to 1,000 requests; throws where the lists
 * are not of one length.
 */
export const reserveMany = verb('reserve_many', 'buyers', {
  tier_ids: listOf(uuid),
  quantities: listOf(integer),
  carts: optional(listOf(json)),
  session_ids: optional(listOf(text)),
  user_ids: optional(listOf(uuid)),
  expires_minutes: optional(listOf(integer)),
  /** Null: `anon`. */
  roles: optional(listOf(text)),
  caller_ids: optional(listOf(uuid)),
}).givesTexts()

/** Gives back some of one tier from the caller's own holds, newest first. */
export const releaseTickets = verb('release_tickets', 'buyers', {
  tier_id: uuid,
  quantity: integer,
}).givesNothing()

/** Gives back everything that a session holds and is not paying for. */
export const releaseTicketHolds = verb('release_ticket_holds', 'buyers', { session_id: text })
  .refuses('INVALID_REQUEST', 'FORBIDDEN', 'LOCK_TIMEOUT')
  .answers(z.object({ released: count }))

/** Moves the end of a session's holds, once. */
export const extendTicketHolds = verb('extend_ticket_holds', 'buyers', {
  session_id: text,
  extend_minutes: integer,
})
  .refuses('INVALID_REQUEST', 'FORBIDDEN', 'NO_ACTIVE_HOLDS', 'ALREADY_EXTENDED', 'LOCK_TIMEOUT')
  .answers(z.object({ expires_at: moment }))

/** Ends holds whose time is up, and gives how many. */
export const expireTicketHolds = verb('expire_ticket_holds', 'buyers', {
  limit: optional(integer),
}).gives(count)
