import { z } from 'zod'
import { qrSpelling } from '../../core/code-token.ts'
import {
  PHONE_LENGTH_MAX,
  SEATING_PREFERENCE_LENGTH_MAX,
  SPECIAL_REQUESTS_LENGTH_MAX,
} from '../../core/limits.ts'
import { moment } from '../../desk/answers.ts'
import { bookSlotAtomically } from '../../desk/parties.ts'
import { json, type Reply } from '../http.ts'
import { type EdgeFunction, type FunctionContext, refusalIn, requireSigningKey } from './contract.ts'
import { partySize } from './judged-number.ts'
import { idempotencyKeyOf, parseJson, personName, replayHeader, text } from './requests.ts'
import { entryCode } from './shown.ts'

const body = z.object({
  businessId: z.guid(),
  /** The evening on which the slot begins, `YYYY-MM-DD`; a time after midnight belongs to it. */
  date: z.iso.date(),
  time: z.string().regex(/^([01]?\d|2[0-3]):[0-5]\d$/, 'must be HH:MM'),
  partySize,
  name: personName,
  phone: text(PHONE_LENGTH_MAX).nullish(),
  seatingPreference: text(SEATING_PREFERENCE_LENGTH_MAX).nullish(),
  specialRequests: text(SPECIAL_REQUESTS_LENGTH_MAX).nullish(),
})

const answer = z.object({
  success: z.literal(true),
  reservationId: z.guid(),
  confirmationCode: z.string(),
  startsAt: moment,
  status: z.enum(['confirmed', 'checked_in', 'cancelled']),
  ...entryCode.shape,
})

/**
 * Books a table, as the RPC of `book_slot_atomically` does, and gives the code that the door reads; for guests who are signed
 * in. Takes `businessId`, `date` (the evening on which the slot begins), `time` (HH:MM by the clock of the house),
 * `partySize`, `name` and optionally `phone`, `seatingPreference`, `specialRequests`.
 */
export const bookSlot: EdgeFunction = {
  methods: ['POST'],
  needs: 'user',
  body,
  isKeyed: true,
  answer,
  refusals: [...bookSlotAtomically.definition.refusals, 'SIGNING_KEY_REVOKED'],
  handle,
}

async function handle(request: Request, { database, caller, codes }: FunctionContext): Promise<Reply> {
  requireSigningKey(codes)
  const key = idempotencyKeyOf(request)
  const booking = await parseJson(request, body)
  const { businessId } = booking
  const booked = await bookSlotAtomically(database, caller, {
    business_id: businessId,
    date: booking.date,
    slot_time: booking.time,
    party_size: booking.partySize,
    reservation_name: booking.name,
    phone_number: booking.phone,
    seating_preference: booking.seatingPreference,
    special_requests: booking.specialRequests,
    idempotency_key: key,
  })
  if (!booked.success) throw refusalIn(booked)
  const code = codes.token('booking', businessId, booked.qr_token)
  const shown: z.output<typeof answer> = {
    success: true,
    reservationId: booked.reservation_id,
    confirmationCode: booked.confirmation_code,
    startsAt: booked.starts_at,
    status: booked.status,
    code,
    qr: qrSpelling(code),
  }
  return json(200, shown, replayHeader(booked.replayed))
}
