import { z } from 'zod'
import { PARTY_SIZE_MAX, QUANTITY_MAX } from '../../core/limits.ts'

/** Tickets of one tier. */
export const quantity = judged(QUANTITY_MAX)
/** People who come together. */
export const partySize = judged(PARTY_SIZE_MAX)

/**
 * A number that the verb judges, with its own code and in the order that it documents. What JSON allows and no number is (`"2"`,
 * null) goes on as NaN, which no verb takes; only a field that is missing is no request.
 */
function judged(maximum: number) {
  return z
    .unknown()
    .refine((value) => value !== undefined, 'a number is needed')
    .transform((value) => (typeof value === 'number' ? value : Number.NaN))
    .meta({ type: 'integer', minimum: 1, maximum })
}
