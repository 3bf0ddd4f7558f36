import { z } from 'zod'

/** What answers are made of, as PostgreSQL writes it in JSON. */

/** A moment: ISO 8601 with its offset. */
export const moment = z.iso.datetime({ offset: true })
/** How many there are. */
export const count = z.int().min(0)
/** Minor units. */
export const cents = z.int()
/** ISO 4217. */
export const currency = z.string().length(3)
