import { z } from 'zod'
import { count, moment } from './answers.ts'
import { date, flag, integer, optional, text, uuid } from './parameters.ts'
import { verb } from './verb.ts'

/** Claims places in an offer for a party. */
export const claimOfferSpotsAtomically = verb('claim_offer_spots_atomically', 'buyers', {
  discount_id: uuid,
  party_size: integer,
  idempotency_key: optional(text),
})
  .refuses(
    'INVALID_PARTY_SIZE',
    'UNAUTHORIZED',
    'OFFER_NOT_FOUND',
    'INVALID_REQUEST',
    'IDEMPOTENCY_KEY_REUSED',
    'OFFER_INACTIVE',
    'ALREADY_CLAIMED',
    'INSUFFICIENT_SPOTS',
    'LOCK_TIMEOUT',
  )
  .answers(
    z.object({
      claim_id: z.guid(),
      /** What is signed into the code that the guest shows; a refusal that tells of an earlier claim has it too. */
      qr_token: z.string(),
      /** -1 where the offer has no end. */
      remaining: z.int().min(-1),
      /** One that is asked for again may have been given back meanwhile. */
      status: z.enum(['claimed', 'released', 'redeemed']),
      replayed: z.boolean(),
    }),
  )

/** Gives the places of one claim back. */
export const cancelClaim = verb('cancel_claim', 'buyers', { claim_id: uuid })
  .refuses('UNAUTHORIZED', 'CLAIM_NOT_FOUND', 'ALREADY_USED', 'LOCK_TIMEOUT')
  .answers(z.object({ claim_id: z.guid(), already_cancelled: z.boolean() }))

/** Gives places back from the caller's own claims, newest first. */
export const releaseOfferSpots = verb('release_offer_spots', 'buyers', {
  discount_id: uuid,
  party_size: integer,
}).givesNothing()

/** Books a table for a party. */
export const bookSlotAtomically = verb('book_slot_atomically', 'buyers', {
  business_id: uuid,
  date,
  slot_time: text,
  party_size: integer,
  reservation_name: text,
  phone_number: optional(text),
  seating_preference: optional(text),
  special_requests: optional(text),
  is_offer_based: optional(flag),
  idempotency_key: optional(text),
})
  .refuses(
    'UNAUTHORIZED',
    'INVALID_REQUEST',
    'INVALID_PARTY_SIZE',
    'IDEMPOTENCY_KEY_REUSED',
    'NO_SLOTS',
    'TIME_NOT_IN_SLOT',
    'TIME_PASSED',
    'PARTY_TOO_LARGE',
    'LIMIT_EXCEEDED',
    'SLOT_FULL',
    'LOCK_TIMEOUT',
  )
  .answers(
    z.object({
      reservation_id: z.guid(),
      /** What a guest tells on the phone. */
      confirmation_code: z.string(),
      preferred_time: z.string(),
      slot_time_from: z.string(),
      starts_at: moment,
      max_party_size: count,
      /** What is signed into the code that the guest shows. */
      qr_token: z.string(),
      /** One that is asked for again may have been cancelled meanwhile. */
      status: z.enum(['confirmed', 'checked_in', 'cancelled']),
      replayed: z.boolean(),
    }),
  )

/** Gives a table back. */
export const cancelReservation = verb('cancel_reservation', 'buyers', { reservation_id: uuid })
  .refuses('UNAUTHORIZED', 'RESERVATION_NOT_FOUND', 'ALREADY_USED', 'EVENING_OVER', 'LOCK_TIMEOUT')
  .answers(z.object({ reservation_id: z.guid(), already_cancelled: z.boolean() }))
