import { z } from 'zod'
import { cents, currency } from '../../desk/answers.ts'

/** What a gate reads, in base64url, and the same as a QR shows it: fewer squares, which more cameras read. */
export const entryCode = z.object({ code: z.string(), qr: z.string() })

export const issuedTicket = z.object({ id: z.guid(), tier_id: z.guid(), ...entryCode.shape })

/** What a cart costs. */
export const pricing = z.object({
  subtotalCents: cents,
  feesCents: cents,
  totalCents: cents,
  currency,
})
