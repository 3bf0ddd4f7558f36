import { ISOLATION_LEVELS, type Race } from '../race.ts'
import { addTier, hold, session, smaller } from './world.ts'

const OVERSOLD = ['never-oversold', 'never-undersold']

export const SELLING: readonly Race[] = [
  {
    name: 'last ticket',
    story: 'Two buyers, one ticket: one holds it, the other is told.',
    guarantees: OVERSOLD,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const tierId = await addTier(client, eventId, 1)
      return {
        sessions: [session('buyer 1', hold('hold', [tierId])), session('buyer 2', hold('hold', [tierId]))],
      }
    },
    ends: ['success | INSUFFICIENT_TICKETS', 'INSUFFICIENT_TICKETS | success'],
  },
  {
    name: 'last ticket given back',
    story: 'Who holds the last ticket gives it back, and two buyers want it: one at most has it.',
    guarantees: OVERSOLD,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const tierId = await addTier(client, eventId, 1)
      const holder = `holder of ${tierId}`
      await client.query('select reserve_tickets_batch($1, $2)', [
        JSON.stringify([{ tier_id: tierId, quantity: 1 }]),
        holder,
      ])
      return {
        sessions: [
          session('holder', {
            name: 'give back',
            sql: 'select release_ticket_holds($1)',
            values: [holder],
          }),
          session('buyer 1', hold('hold', [tierId])),
          session('buyer 2', hold('hold', [tierId])),
        ],
      }
    },
    ends: [
      'success | success | INSUFFICIENT_TICKETS',
      'success | INSUFFICIENT_TICKETS | success',
      'success | INSUFFICIENT_TICKETS | INSUFFICIENT_TICKETS',
    ],
  },
  {
    name: 'carts in opposite order',
    story:
      'Two carts name the last tickets of two tiers in opposite order, while one tier is edited: one has both, and nobody waits in a circle.',
    guarantees: OVERSOLD,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const [a, b] = [await addTier(client, eventId, 1), await addTier(client, eventId, 1)]
      return {
        sessions: [
          // A call is one step. Its locks are seen one by one where somebody has the second of them.
          session('organiser', {
            name: 'edit a',
            sql: `update ticket_tiers set name = 'Balcony' where id = $1 returning true`,
            values: [a],
            told: () => 'written',
          }),
          session('buyer 1', hold('hold a and b', [a, b])),
          session('buyer 2', hold('hold b and a', [b, a])),
        ],
      }
    },
    ends: ['written | success | INSUFFICIENT_TICKETS', 'written | INSUFFICIENT_TICKETS | success'],
  },
  {
    name: 'tiers in opposite order',
    story: 'The same, a call a tier in one transaction: where they wait in a circle, one is told so.',
    guarantees: OVERSOLD,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const [a, b] = [await addTier(client, eventId, 1), await addTier(client, eventId, 1)]
      return {
        sessions: [
          session('buyer 1', hold('hold a', [a]), hold('hold b', [b])),
          session('buyer 2', hold('hold b', [b]), hold('hold a', [a])),
        ],
      }
    },
    ends: [
      'success + success | INSUFFICIENT_TICKETS + INSUFFICIENT_TICKETS',
      'INSUFFICIENT_TICKETS + INSUFFICIENT_TICKETS | success + success',
      'success + LOCK_TIMEOUT | success + INSUFFICIENT_TICKETS',
      'success + INSUFFICIENT_TICKETS | success + LOCK_TIMEOUT',
    ],
  },
  {
    name: 'one key twice',
    story: 'One request of a buyer comes twice at once, under its idempotency key: it is one order.',
    guarantees: ['same-request-same-answer'],
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const tierId = await addTier(client, eventId, 2)
      const request = {
        event: eventId,
        items: [{ tier: tierId, quantity: 1 }],
        customer_name: 'Buyer',
        customer_email: 'buyer@example.org',
        idempotency_key: `key of ${tierId}`,
      }
      const checkout = {
        name: 'checkout',
        sql: 'select ticketing.checkout($1)',
        values: [request],
        told: replayed,
      }
      return {
        sessions: [session('first', checkout), session('second', checkout)],
        stands: {
          sql: `select count(*) || ' sold' from tickets where tier_id = $1`,
          values: [tierId],
        },
      }
    },
    ends: ['success | replayed → 1 sold', 'replayed | success → 1 sold'],
  },
  {
    name: 'tier made smaller',
    story: 'A tier of two becomes one of one while a buyer holds two: it is never smaller than what is held.',
    guarantees: OVERSOLD,
    isolations: ISOLATION_LEVELS,
    prepare: async (client, { eventId }) => {
      const tierId = await addTier(client, eventId, 2)
      return {
        sessions: [
          session('organiser', smaller('ticket_tiers', 'total_quantity', tierId)),
          session('buyer', hold('hold one', [tierId]), hold('hold another', [tierId])),
        ],
      }
    },
    ends: ['written | success + INSUFFICIENT_TICKETS', '23514 | success + success'],
  },
]

function replayed(answer: unknown): string {
  const {
    success,
    replayed: isReplay,
    error,
  } = answer as { success: boolean; replayed?: boolean; error?: string }
  return success ? (isReplay === true ? 'replayed' : 'success') : (error ?? 'no code')
}
