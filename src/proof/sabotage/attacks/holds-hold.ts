import type { Client } from 'pg'
import { randomFrom } from '../../../core/random.ts'
import { makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts } from '../attack.ts'

const ATTACKERS = 10
const STOCK = 20
const ROUNDS = 12
const SESSIONS = 4

/**
 * A few sessions hold the same tiers again and again, at the same moment, extend and give back, while the job ends what is
 * due beside what is not: nobody holds a tier twice, and no hold ends before its time.
 */
export async function cutShort(database: RunDatabase, seed: number): Promise<AttackResult> {
  const { eventId, tierId } = await makeFixture(database.client, 'concurrent-checkout', { stock: 10 * STOCK })
  const tierIds = [tierId, await addTier(database.client, eventId)]
  const attempts = countAttempts()
  const clients = await database.connect(ATTACKERS)
  const cart = JSON.stringify(tierIds.map((id) => ({ tier_id: id, quantity: 1 })))
  const hold = (client: Client, session: string) =>
    attempts.verb(client, 'select reserve_tickets_batch($1, $2) as answer', [cart, session])
  for (let round = 0; round < ROUNDS; round++) {
    // One of the tier is due: the job has work there.
    for (const id of tierIds) {
      await attempts.write(database.client, HOLD_ONE, [eventId, id, `late ${round}`])
    }
    // All at the same session first: it has one hold of each tier, however many ask.
    await Promise.all(clients.map((client) => hold(client, `session ${round % SESSIONS}`)))
    await Promise.all(
      clients.map(async (client, attacker) => {
        const random = randomFrom(seed + round * ATTACKERS + attacker)
        const session = `session ${random.below(SESSIONS)}`
        switch (attacker % 5) {
          case 0:
            return attempts.write(client, 'select expire_ticket_holds()', [])
          case 1:
            return attempts.verb(client, 'select extend_ticket_holds($1, 10) as answer', [session])
          case 2:
            return random.below(4) === 0
              ? attempts.verb(client, 'select release_ticket_holds($1) as answer', [session])
              : hold(client, session)
          default:
            return hold(client, session)
        }
      }),
    )
  }
  return attempts.result()
}

/** A cart is of one business: its second tier is of the same event. */
async function addTier(client: Client, eventId: string): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `insert into ticket_tiers (event_id, slug, name, total_quantity, max_per_order, price_cents)
     values ($1, 'second', 'Second', $2, null, 0) returning id`,
    [eventId, 10 * STOCK],
  )
  return rows[0]?.id
}

const HOLD_ONE = `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
  values ($1, $2, $3, 1, clock_timestamp() + interval '1 ms')`
