import type pg from 'pg'
import type { TestDatabase } from './database.ts'

/** What verbs of selling and admitting answer, as far as races look at it. */
export interface Answer {
  readonly success: boolean
  readonly error?: string
  readonly error_code?: string
  readonly order_id?: string
  readonly replayed?: boolean
  readonly already_issued?: boolean
}

export const ask = async (client: pg.Client, sql: string, values: readonly unknown[] = []): Promise<Answer> =>
  Object.values((await client.query(sql, [...values])).rows[0] ?? {})[0] as Answer

export const codeOf = (answer: Answer) =>
  answer.success ? 'success' : (answer.error_code ?? answer.error ?? 'no code')

/** How many were answered what. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[codeOf(answer)] = (counts[codeOf(answer)] ?? 0) + 1
  return counts
}

export const reserveBatch = (
  client: pg.Client,
  tierIds: readonly string[],
  quantity: number,
  session: string | null = null,
) =>
  ask(client, 'select reserve_tickets_batch($1, $2)', [
    JSON.stringify(tierIds.map((tier_id) => ({ tier_id, quantity }))),
    session,
  ])

/** The body of a checkout by a guest. */
export const guestOrder = (eventId: string, tierId: string, quantity: number, key?: string) =>
  JSON.stringify({
    event: eventId,
    items: [{ tier: tierId, quantity }],
    customer_name: 'Ada',
    customer_email: 'ada@example.org',
    idempotency_key: key,
  })

/** A hold whose time is over, and which nobody has ended. */
export const addLapsedHold = (db: TestDatabase, eventId: string, tierId: string, quantity: number) =>
  db.rows(
    `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
     values ($1, $2, gen_random_uuid()::text, $3, now() - interval '1 minute')`,
    [eventId, tierId, quantity],
  )
