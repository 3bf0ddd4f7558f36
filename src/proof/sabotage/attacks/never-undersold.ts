import type { Client } from 'pg'
import { makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts } from '../attack.ts'

const ATTACKERS = 10
const STOCK = 20
const SELLOUTS = 3
/** So many of a sold-out tier as each attacker wants when it comes back: all of it together. */
const SHARE = STOCK / ATTACKERS

/**
 * A tier is held to the last ticket, by holds that end while everybody is told so; then the job runs once and everybody asks
 * again. What was free and called sold out is the contradiction: no row shows it.
 */
export async function hideTickets(database: RunDatabase): Promise<AttackResult> {
  const { eventId, tierId } = await makeFixture(database.client, 'concurrent-checkout', { stock: STOCK })
  const attempts = countAttempts()
  const clients = await database.connect(ATTACKERS)
  const ask = (client: Client) =>
    attempts.verb(client, 'select reserve_tickets_batch($1) as answer', [
      JSON.stringify([{ tier_id: tierId, quantity: SHARE }]),
    ])
  for (let sellout = 0; sellout < SELLOUTS; sellout++) {
    await attempts.write(database.client, HOLD_ALL, [eventId, tierId, `crowd ${sellout}`])
    await Promise.all(clients.map(ask))
    await database.client.query('select pg_sleep($1)', [HELD_S])
    await attempts.write(database.client, 'select expire_ticket_holds()', [])
    const answers = await Promise.all(clients.map(ask))
    const { rows } = await database.client.query<{ held: number }>(HELD_NOW, [tierId])
    const held = rows[0]?.held ?? 0
    if (held < STOCK)
      attempts.addContradiction({
        free: STOCK - held,
        answer: answers.find((answer) => answer?.success !== true),
      })
    await attempts.write(database.client, 'delete from ticket_holds where tier_id = $1', [tierId])
  }
  return attempts.result()
}

/** How long the crowd's holds live: the attackers are told that all is held, then it is due. */
const HELD_S = 0.2
const HOLD_ALL = `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
  values ($1, $2, $3, ${STOCK}, clock_timestamp() + interval '${HELD_S * 900} ms')`
const HELD_NOW = `select coalesce(sum(quantity), 0)::int as held from ticket_holds
  where tier_id = $1 and status = 'active' and expires_at > clock_timestamp()`
