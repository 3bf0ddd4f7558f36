import { z } from 'zod'

/** What the functions of an adapter must give. */

const answer = z.string().optional()
const refusal = z.object({ outcome: z.enum(['soldOut', 'busy', 'refused', 'unknown']), answer })

export const opened = z.union([z.object({ outcome: z.literal('open'), cart: z.unknown() }), refusal], {
  error: "is neither { outcome: 'open', cart } nor { outcome: 'soldOut' | 'busy' | 'refused' | 'unknown' }",
})

const id = z.union([z.string().min(1), z.number().transform(String)])

export const committed = z.union(
  [z.object({ outcome: z.literal('sold'), order: id.optional(), answer }), refusal],
  {
    error: "has no `outcome` of 'sold', 'soldOut', 'busy', 'refused', 'unknown'",
  },
)

/** A row has null where it has nothing. */
const order = z.object({
  id,
  buyer: id.nullish(),
  units: z.int().min(1).nullish(),
  tickets: z.array(id).nullish(),
  cents: z.number().nullish(),
  at: z.union([z.string(), z.number(), z.date()]).transform(sortable).nullish(),
})
const payment = z.object({ id, order: id.nullish(), cents: z.number().nullish() })

export const truth = z.object({
  orders: z.array(order),
  payments: z.array(payment).optional(),
  left: z.number().optional(),
})

export type Opening = z.output<typeof opened>
export type Commitment = z.output<typeof committed>
export type TrueState = z.output<typeof truth>
export type OrderRow = TrueState['orders'][number]

function sortable(at: string | number | Date): string {
  return at instanceof Date ? at.toISOString() : typeof at === 'number' ? String(at).padStart(20, '0') : at
}
