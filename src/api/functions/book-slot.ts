import { z } from 'zod'
import { callVault } from '../../db/call.ts'
import { json, type Reply } from '../http.ts'
import {
  type EdgeFunction,
  type FunctionContext,
  Refusal,
  type Refused,
  refusalIn,
  requireSigningKey,
} from './contract.ts'
import { idempotencyKeyOf, parseJson, personName, replayHeader, text } from './requests.ts'

const PARTY_MAX = 1000

const body = z.object({
  businessId: z.guid(),
  /** The evening on which the slot begins, `YYYY-MM-DD`; a time after midnight belongs to it. */
  date: z.iso.date(),
  time: z.string().regex(/^([01]?\d|2[0-3]):[0-5]\d$/, 'must be HH:MM'),
  partySize: z.number(),
  name: personName,
  phone: text(50).nullish(),
  seatingPreference: text(200).nullish(),
  specialRequests: text(2000).nullish(),
})

/**
 * Books a table, as the RPC of `book_slot_atomically` does, and gives the code that the door reads; for guests who are signed
 * in. Takes `businessId`, `date` (the evening on which the slot begins), `time` (HH:MM by the clock of the house),
 * `partySize`, `name` and optionally `phone`, `seatingPreference`, `specialRequests`.
 */
export const bookSlot: EdgeFunction = { methods: ['POST'], handle }

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  requireSigningKey(codes)
  const key = idempotencyKeyOf(request)
  const booking = await parseJson(request, body)
  const { businessId, partySize } = booking
  if (!Number.isInteger(partySize) || partySize < 1 || partySize > PARTY_MAX) {
    throw new Refusal('INVALID_PARTY_SIZE')
  }
  const answer = await callVault<Booked | Refused>(database, caller, 'book_slot_atomically', {
    p_business_id: businessId,
    p_date: booking.date,
    p_slot_time: booking.time,
    p_party_size: partySize,
    p_reservation_name: booking.name,
    p_phone_number: booking.phone,
    p_seating_preference: booking.seatingPreference,
    p_special_requests: booking.specialRequests,
    p_idempotency_key: key,
  })
  if (!answer.success) throw refusalIn(answer)
  const told = {
    success: true,
    reservationId: answer.reservation_id,
    confirmationCode: answer.confirmation_code,
    startsAt: answer.starts_at,
    status: answer.status,
    code: codes.token('booking', businessId, answer.qr_token),
  }
  return json(200, told, replayHeader(answer.replayed))
}

interface Booked {
  readonly success: true
  readonly reservation_id: string
  /** What a guest tells on the phone. */
  readonly confirmation_code: string
  readonly starts_at: string
  /** What is signed into the code that the guest shows. */
  readonly qr_token: string
  /** One that is asked for again may have been cancelled meanwhile. */
  readonly status: 'confirmed' | 'checked_in' | 'cancelled'
  readonly replayed: boolean
}
