import type { Client } from 'pg'
import { type Random, randomFrom } from '../../core/random.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import type { WorkDatabase } from '../workbench.ts'
import { cutShort, hideTickets } from './attacks-holds.ts'
import { repeatRequests } from './attacks-keys.ts'
import { payTwice, unbalance } from './attacks-money.ts'
import { overbook } from './attacks-table.ts'
import { breakCirclesSoon } from './circles.ts'
import { type Attack, openTally } from './tally.ts'

/** How each guarantee is attacked, through the verbs and past them, as the tables' owner. */
export const ATTACKS: Readonly<Record<string, (database: WorkDatabase, seed: number) => Promise<Attack>>> = {
  'never-oversold': oversell,
  'never-undersold': hideTickets,
  'holds-hold': cutShort,
  'paid-once-issued-once': payTwice,
  'admitted-once': enterTwice,
  'offers-and-slots-fit': overbook,
  'same-request-same-answer': repeatRequests,
  'books-balance': unbalance,
}

const ATTACKERS = 10
const ROUNDS = 24
const STOCK = 20

/**
 * Buyers take, give back and order through the verbs, while others write rows past them: holds, tickets, deletions, refunds,
 * holds made larger. Every trigger of holds and tickets is on the way of one of these moves.
 */
async function oversell(database: WorkDatabase, seed: number): Promise<Attack> {
  const { eventId, tierId } = await makeFixture(database.client, 'concurrent-checkout', { stock: STOCK })
  const order = await database.client.query<{ id: string; item: string }>(
    `with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name,
                  paid_at, tickets_issued_at)
                values ($1, 'attack', 'paid', 'EUR', 0, 'attack@example.org', 'Attack', now(), now()) returning id)
     insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
     select id, $1, $2, 1000, 0 from o returning order_id as id, id as item`,
    [eventId, tierId],
  )
  const { id: orderId, item } = order.rows[0] ?? {}
  const tally = openTally()
  const verb = async (client: Client, sql: string, values: unknown[]) => {
    await tally.verb(client, sql, values)
  }
  const raw = (client: Client, sql: string, values: unknown[]) => tally.raw(client, sql, values)
  const cart = (quantity: number) => JSON.stringify([{ tier_id: tierId, quantity }])
  const moves: readonly ((client: Client, random: Random, at: string) => Promise<void>)[] = [
    (client, random, at) =>
      verb(client, 'select reserve_tickets_batch($1, $2) as answer', [cart(1 + random.below(3)), at]),
    (client) => verb(client, 'select reserve_tickets_atomically($1, 2) as answer', [tierId]),
    (client, _random, at) => verb(client, 'select release_ticket_holds($1) as answer', [at]),
    (client, random) =>
      verb(client, 'select ticketing.checkout($1) as answer', [
        {
          event: eventId,
          items: [{ tier: tierId, quantity: 1 + random.below(2) }],
          customer_name: 'Attack',
          customer_email: 'attack@example.org',
        },
      ]),
    (client, random, at) =>
      raw(
        client,
        `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
         values ($1, $2, $3, $4, now() + interval '1 hour')`,
        [eventId, tierId, `raw ${at} ${random.below(1e9)}`, 1 + random.below(4)],
      ),
    (client, random) =>
      raw(
        client,
        `${lockFirst} update ticket_holds set quantity = quantity + $2 where id =
         (select h.id from ticket_holds h, tier where tier_id = $1::uuid and status = 'active' order by h.id limit 1 offset $3)`,
        [tierId, 1 + random.below(5), random.below(4)],
      ),
    (client, random) =>
      raw(
        client,
        `insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal) values ($1, $2, $3, $4, $5)`,
        [eventId, tierId, orderId, item, 1 + random.below(1e9)],
      ),
    (client, random) =>
      raw(
        client,
        `${lockFirst} update tickets set status = case when status = 'valid' then 'refunded' else 'valid' end where id =
         (select k.id from tickets k, tier where tier_id = $1::uuid order by k.id limit 1 offset $2)`,
        [tierId, random.below(6)],
      ),
    (client, random) =>
      raw(
        client,
        `${lockFirst} delete from ticket_holds where id =
         (select h.id from ticket_holds h, tier where tier_id = $1::uuid order by h.id limit 1 offset $2)`,
        [tierId, random.below(4)],
      ),
    (client, random) =>
      raw(
        client,
        `${lockFirst} delete from tickets where id =
         (select k.id from tickets k, tier where tier_id = $1::uuid order by k.id limit 1 offset $2)`,
        [tierId, random.below(6)],
      ),
  ]
  const clients = await database.connect(ATTACKERS)
  await Promise.all(clients.map(breakCirclesSoon))
  await Promise.all(
    clients.map(async (client, attacker) => {
      const random = randomFrom(seed + attacker)
      for (let round = 0; round < ROUNDS; round++) {
        const move = moves[(attacker + round) % moves.length]
        await move?.(client, random, `attacker ${attacker}`)
      }
    }),
  )
  // At the end everybody wants what is left, so that a tier with room to spare would show it.
  await Promise.all(
    clients.map((client) => verb(client, 'select reserve_tickets_batch($1) as answer', [cart(STOCK)])),
  )
  return tally.result()
}

/**
 * A raw UPDATE or DELETE has its row before a trigger can ask for the tier, a verb has them the other way round: without
 * this the two wait in a circle until PostgreSQL breaks it, a second each time, and the attack would mostly wait.
 */
const lockFirst = `with tier as materialized (select pg_advisory_xact_lock(hashtextextended('tier:' || $1::text, 0)))`

/**
 * Ten gates scan the same ticket at the same moment, ticket after ticket; some had no network and send their scan in. Then the
 * parties of claims and of tables come to ten gates each.
 */
async function enterTwice(database: WorkDatabase): Promise<Attack> {
  const fixture = await makeFixture(database.client, 'scanner-burst', { tickets: STOCK, codes: 2 })
  const { tickets, scannerId, doorCodes, businessId } = fixture
  const tally = openTally()
  const clients = await database.connect(ATTACKERS)
  for (const ticket of tickets) {
    await Promise.all(
      clients.map((client, gate) =>
        tally.verb(
          client,
          `select jsonb_build_object('success', success, 'error', case when already_scanned then 'ALREADY_USED' else error_message end)
           as answer from ${gate % OFFLINE_EVERY === 0 ? SCAN_OFFLINE : SCAN_ONLINE}`,
          [ticket.id, scannerId, `gate ${gate}`],
        ),
      ),
    )
  }
  const parties = doorCodes.filter(({ kind, answers }) => kind !== 'ticket' && answers.includes('ADMITTED'))
  for (const { code } of parties) {
    const scan = JSON.stringify({ business_id: businessId, code, presented: '0'.repeat(64) })
    await Promise.all(clients.map((client) => tally.verb(client, SCAN_PARTY, [scan])))
  }
  return tally.result()
}

const OFFLINE_EVERY = 5
const SCAN_ONLINE = 'scan_ticket_atomic($1, $2, $3)'
const SCAN_OFFLINE = `sync_offline_scan($1, $2, now() - interval '1 minute', $3)`
const SCAN_PARTY = `select jsonb_build_object('success', a ->> 'outcome' = 'ADMITTED', 'error', coalesce(a ->> 'outcome', a ->> 'error'))
  as answer from ticketing.validate_qr($1) a`
