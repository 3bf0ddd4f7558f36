import { z } from 'zod'

/**
 * A number that the verb judges, with its own code and in the order that it documents. What JSON allows and no number is (`"2"`,
 * null) goes on as NaN, which no verb takes; only a field that is missing is no request.
 */
export const anyNumber = z
  .unknown()
  .refine((value) => value !== undefined, 'a number is needed')
  .transform((value) => (typeof value === 'number' ? value : Number.NaN))
