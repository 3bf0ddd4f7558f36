import type { Client } from 'pg'
import { randomFrom } from '../../core/random.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import type { WorkDatabase } from '../workbench.ts'
import { type Attack, openTally } from './tally.ts'

const ATTACKERS = 10
const STOCK = 20

const SELLOUTS = 3
/** So many of a sold-out tier as each attacker wants when it comes back: all of it together. */
const SHARE = STOCK / ATTACKERS

/**
 * A tier is held to the last ticket, by holds that end while everybody is told so; then the job runs once and everybody asks
 * again. What was free and called sold out is the contradiction: no row shows it.
 */
export async function hideTickets(database: WorkDatabase): Promise<Attack> {
  const { eventId, tierId } = await makeFixture(database.client, 'concurrent-checkout', { stock: STOCK })
  const tally = openTally()
  const clients = await database.connect(ATTACKERS)
  const ask = (client: Client) =>
    tally.verb(client, 'select reserve_tickets_batch($1) as answer', [
      JSON.stringify([{ tier_id: tierId, quantity: SHARE }]),
    ])
  for (let sellout = 0; sellout < SELLOUTS; sellout++) {
    await tally.raw(database.client, HOLD_ALL, [eventId, tierId, `crowd ${sellout}`])
    await Promise.all(clients.map(ask))
    await database.client.query('select pg_sleep($1)', [HELD_S])
    await tally.raw(database.client, 'select expire_ticket_holds()', [])
    const answers = await Promise.all(clients.map(ask))
    const { rows } = await database.client.query<{ held: number }>(HELD_NOW, [tierId])
    const held = rows[0]?.held ?? 0
    if (held < STOCK)
      tally.contradicts({ free: STOCK - held, told: answers.find((it) => it?.success !== true) })
    await tally.raw(database.client, 'delete from ticket_holds where tier_id = $1', [tierId])
  }
  return tally.result()
}

/** How long the crowd's holds live: the attackers are told that all is held, then it is due. */
const HELD_S = 0.2
const HOLD_ALL = `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
  values ($1, $2, $3, ${STOCK}, clock_timestamp() + interval '${HELD_S * 900} ms')`
const HELD_NOW = `select coalesce(sum(quantity), 0)::int as held from ticket_holds
  where tier_id = $1 and status = 'active' and expires_at > clock_timestamp()`

const ROUNDS = 12
const SESSIONS = 4

/**
 * A few sessions hold the same tiers again and again, at the same moment, extend and give back, while the job ends what is
 * due beside what is not: nobody holds a tier twice, and no hold ends before its time.
 */
export async function cutShort(database: WorkDatabase, seed: number): Promise<Attack> {
  const fixtures = [
    await makeFixture(database.client, 'concurrent-checkout', { stock: 10 * STOCK }),
    await makeFixture(database.client, 'ticketing-flow', { stock: 10 * STOCK }),
  ]
  const tally = openTally()
  const clients = await database.connect(ATTACKERS)
  const cart = JSON.stringify(fixtures.map(({ tierId }) => ({ tier_id: tierId, quantity: 1 })))
  const hold = (client: Client, session: string) =>
    tally.verb(client, 'select reserve_tickets_batch($1, $2) as answer', [cart, session])
  for (let round = 0; round < ROUNDS; round++) {
    // One of the tier is due: the job has work there.
    for (const { eventId, tierId } of fixtures) {
      await tally.raw(database.client, HOLD_ONE, [eventId, tierId, `late ${round}`])
    }
    // All at the same session first: it has one hold of each tier, however many ask.
    await Promise.all(clients.map((client) => hold(client, `session ${round % SESSIONS}`)))
    await Promise.all(
      clients.map(async (client, attacker) => {
        const random = randomFrom(seed + round * ATTACKERS + attacker)
        const session = `session ${random.below(SESSIONS)}`
        switch (attacker % 5) {
          case 0:
            return tally.raw(client, 'select expire_ticket_holds()', [])
          case 1:
            return tally.verb(client, 'select extend_ticket_holds($1, 10) as answer', [session])
          case 2:
            return random.below(4) === 0
              ? tally.verb(client, 'select release_ticket_holds($1) as answer', [session])
              : hold(client, session)
          default:
            return hold(client, session)
        }
      }),
    )
  }
  return tally.result()
}

const HOLD_ONE = `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
  values ($1, $2, $3, 1, clock_timestamp() + interval '1 ms')`
