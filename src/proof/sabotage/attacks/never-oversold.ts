import type { Client } from 'pg'
import { type Random, randomFrom } from '../../../core/random.ts'
import { makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts, type Statement } from '../attack.ts'
import { shortenDeadlockTimeout } from '../deadlock-timeout.ts'

const ATTACKERS = 10
const ROUNDS = 24
const STOCK = 20

/**
 * Buyers take, give back and order through the verbs, while others write rows past them: holds, tickets, deletions, refunds,
 * holds made larger. Every trigger of holds and tickets is on the way of one of these moves.
 */
export async function oversell(database: RunDatabase, seed: number): Promise<AttackResult> {
  const sale = await openSale(database.client)
  const attempts = countAttempts()
  const clients = await database.connect(ATTACKERS)
  await Promise.all(clients.map(shortenDeadlockTimeout))
  await Promise.all(
    clients.map(async (client, attacker) => {
      const random = randomFrom(seed + attacker)
      for (let round = 0; round < ROUNDS; round++) {
        const [how, move] = MOVES[(attacker + round) % MOVES.length] ?? MOVES[0]
        await attempts[how](client, ...move(sale, random, `attacker ${attacker}`))
      }
    }),
  )
  // At the end everybody wants what is left, so that a tier with room to spare would show it.
  await Promise.all(
    clients.map((client) =>
      attempts.verb(client, 'select reserve_tickets_batch($1) as answer', [cart(sale, STOCK)]),
    ),
  )
  return attempts.result()
}

interface Sale {
  readonly eventId: string
  readonly tierId: string
  /** A paid order, under which raw tickets are written. */
  readonly orderId: string
  readonly itemId: string
}

async function openSale(client: Client): Promise<Sale> {
  const { eventId, tierId } = await makeFixture(client, 'concurrent-checkout', { stock: STOCK })
  const { rows } = await client.query<Pick<Sale, 'orderId' | 'itemId'>>(
    `with o as (insert into orders (event_id, session_id, status, currency, total_cents, customer_email, customer_name,
                  paid_at, tickets_issued_at)
                values ($1, 'attack', 'paid', 'EUR', 0, 'attack@example.org', 'Attack', now(), now()) returning id)
     insert into order_items (order_id, event_id, tier_id, quantity, unit_price_cents)
     select id, $1, $2, 1000, 0 from o returning order_id as "orderId", id as "itemId"`,
    [eventId, tierId],
  )
  if (rows[0] === undefined) throw new Error('an insert gives its row')
  return { eventId, tierId, ...rows[0] }
}

function cart({ tierId }: Sale, quantity: number): string {
  return JSON.stringify([{ tier_id: tierId, quantity }])
}

type Move = readonly [
  how: 'verb' | 'write',
  statement: (sale: Sale, random: Random, session: string) => Statement,
]

/**
 * A raw UPDATE or DELETE has its row before a trigger can ask for the tier, a verb has them the other way round: without
 * this the two deadlock until PostgreSQL ends it, a second each time, and the attack would mostly wait.
 */
const lockFirst = `with tier as materialized (select pg_advisory_xact_lock(hashtextextended('tier:' || $1::text, 0)))`

const MOVES: readonly [Move, ...Move[]] = [
  [
    'verb',
    (sale, random, session) => [
      'select reserve_tickets_batch($1, $2) as answer',
      [cart(sale, 1 + random.below(3)), session],
    ],
  ],
  ['verb', ({ tierId }) => ['select reserve_tickets_atomically($1, 2) as answer', [tierId]]],
  ['verb', (_sale, _random, session) => ['select release_ticket_holds($1) as answer', [session]]],
  ['verb', ({ eventId, tierId }, random) => order(eventId, tierId, 1 + random.below(2))],
  [
    'write',
    ({ eventId, tierId }, random, session) => [
      `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
       values ($1, $2, $3, $4, now() + interval '1 hour')`,
      [eventId, tierId, `raw ${session} ${random.below(1e9)}`, 1 + random.below(4)],
    ],
  ],
  [
    'write',
    ({ tierId }, random) => [
      `${lockFirst} update ticket_holds set quantity = quantity + $2 where id =
       (select h.id from ticket_holds h, tier where tier_id = $1::uuid and status = 'active' order by h.id limit 1 offset $3)`,
      [tierId, 1 + random.below(5), random.below(4)],
    ],
  ],
  [
    'write',
    ({ eventId, tierId, orderId, itemId }, random) => [
      `insert into tickets (event_id, tier_id, order_id, order_item_id, ordinal) values ($1, $2, $3, $4, $5)`,
      [eventId, tierId, orderId, itemId, 1 + random.below(1e9)],
    ],
  ],
  [
    'write',
    ({ tierId }, random) => [
      `${lockFirst} update tickets set status = case when status = 'valid' then 'refunded' else 'valid' end where id =
       (select k.id from tickets k, tier where tier_id = $1::uuid order by k.id limit 1 offset $2)`,
      [tierId, random.below(6)],
    ],
  ],
  [
    'write',
    ({ tierId }, random) => [
      `${lockFirst} delete from ticket_holds where id =
       (select h.id from ticket_holds h, tier where tier_id = $1::uuid order by h.id limit 1 offset $2)`,
      [tierId, random.below(4)],
    ],
  ],
  [
    'write',
    ({ tierId }, random) => [
      `${lockFirst} delete from tickets where id =
       (select k.id from tickets k, tier where tier_id = $1::uuid order by k.id limit 1 offset $2)`,
      [tierId, random.below(6)],
    ],
  ],
]

function order(eventId: string, tierId: string, quantity: number): Statement {
  return [
    'select ticketing.checkout($1) as answer',
    [
      {
        event: eventId,
        items: [{ tier: tierId, quantity }],
        customer_name: 'Attack',
        customer_email: 'attack@example.org',
      },
    ],
  ]
}
