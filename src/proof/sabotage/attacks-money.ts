import type { Client } from 'pg'
import { type Random, randomFrom } from '../../core/random.ts'
import { makeFixture } from '../fixtures/fixtures.ts'
import type { WorkDatabase } from '../workbench.ts'
import { type Attack, openTally } from './tally.ts'

const ATTACKERS = 8
const ORDERS = 8
const QUANTITY = 2
/** Room for every ticket that a broken promise would issue. */
const STOCK = ORDERS * QUANTITY * ATTACKERS

/**
 * Each order's payment is told by everybody at once: the same event, other events about the same payment, a second payment,
 * one that is too much, an end; meanwhile its tickets are issued and sent back through the verbs.
 */
export async function payTwice(database: WorkDatabase, seed: number): Promise<Attack> {
  const clients = await database.connect(ATTACKERS)
  const tally = openTally()
  const random = randomFrom(seed)
  for (const order of await placeOrders(database, `attack ${seed}`)) {
    const turn = random.below(ATTACKERS)
    // What is asked first has the best chance to meet its like, so every order begins elsewhere.
    await Promise.all(
      clients.map((client, at) => {
        const [sql, values] = moveAgainst(order, (at + turn) % ATTACKERS)
        return tally.verb(client, sql, values)
      }),
    )
    // And again, when nothing is new any more.
    await Promise.all(
      clients.map((client) => tally.verb(client, ...tell(eventOf(order, 'same', order.totalCents)))),
    )
    await Promise.all(clients.map((client) => tally.verb(client, ...sendBack(order))))
  }
  return tally.result()
}

/** Half of the moves are one event, word by word: a provider that delivers at least once. */
function moveAgainst(order: Order, move: number): readonly [string, unknown[]] {
  switch (move) {
    case 0:
      return tell(eventOf(order, 'other', order.totalCents))
    case 1:
      return tell(eventOf(order, 'second', order.totalCents, 'second'))
    case 2:
      return tell(eventOf(order, 'third', order.totalCents + 1, 'third'))
    case 3:
      return ['select ticketing.issue_order_tickets($1) as answer', [order.orderId]]
    default:
      return tell(eventOf(order, 'same', order.totalCents))
  }
}

const tell = (event: object): [string, unknown[]] => [
  'select ticketing.receive_webhook($1) as answer',
  [event],
]
const sendBack = (order: Order): [string, unknown[]] => [
  'select ticketing.request_refund($1) as answer',
  [order.orderId],
]

interface Order {
  readonly orderId: string
  readonly totalCents: number
}

function eventOf(order: Order, name: string, amount: number, payment = 'first'): object {
  return {
    id: `evt_${name}_${order.orderId}`,
    type: 'checkout.session.completed',
    data: {
      object: {
        id: `cs_${payment}_${order.orderId}`,
        mode: 'payment',
        status: 'complete',
        payment_status: 'paid',
        client_reference_id: order.orderId,
        payment_intent: `pi_${payment}_${order.orderId}`,
        amount_total: amount,
        currency: 'eur',
      },
    },
  }
}

/** Orders that wait for their payment. */
async function placeOrders(database: WorkDatabase, slug: string): Promise<readonly Order[]> {
  const { eventId, tierId } = await makeFixture(database.client, 'concurrent-checkout', {
    slug: slug.replaceAll(' ', '-'),
    stock: STOCK,
  })
  await database.client.query('update ticket_tiers set price_cents = 2000 where id = $1', [tierId])
  const orders: Order[] = []
  for (let n = 0; n < ORDERS; n++) {
    const placed = await database.client.query<{ answer: { order_id: string; total_cents: number } }>(
      'select ticketing.checkout($1) as answer',
      [
        {
          event: eventId,
          items: [{ tier: tierId, quantity: QUANTITY }],
          customer_name: 'Attack',
          customer_email: 'attack@example.org',
        },
      ],
    )
    const answer = placed.rows[0]?.answer
    if (answer?.order_id === undefined) throw new Error(`no order to attack: ${JSON.stringify(answer)}`)
    orders.push({ orderId: answer.order_id, totalCents: answer.total_cents })
  }
  return orders
}

const FORGERS = 6
const ROUNDS = 12

/**
 * Orders are paid and sent back through the verbs, while forgers write entries past them that create or lose money: alone,
 * in two statements that would sum to zero together, and through the function that books.
 */
export async function unbalance(database: WorkDatabase, seed: number): Promise<Attack> {
  const orders = await placeOrders(database, `books ${seed}`)
  const clients = await database.connect(FORGERS)
  const tally = openTally()
  await Promise.all(
    clients.map(async (client, forger) => {
      const random = randomFrom(seed + forger)
      for (let round = 0; round < ROUNDS; round++) {
        const order = orders[random.below(orders.length)]
        if (order === undefined) continue
        if (forger === 0) await payAndSendBack(client, order)
        else await tally.raw(client, ...forge(order, random))
      }
    }),
  )
  return tally.result()

  async function payAndSendBack(client: Client, order: Order): Promise<void> {
    await tally.verb(client, ...tell(eventOf(order, 'same', order.totalCents)))
    await tally.verb(client, ...sendBack(order))
  }
}

function forge({ orderId }: Order, random: Random): [string, unknown[]] {
  const cents = 1 + random.below(1000)
  const cause = `forged:${random.below(1e9)}`
  const entry = `insert into ticketing.ledger_entries (transaction_id, account, order_id, event_id, amount_cents, currency, cause)
    select gen_random_uuid(), e.account, o.id, o.event_id, e.cents, 'EUR', $3 from orders o,`
  switch (random.below(3)) {
    case 0:
      return [
        `${entry} (values ('captured', $2::bigint)) e(account, cents) where o.id = $1`,
        [orderId, cents, cause],
      ]
    case 1:
      // Each is a transaction of its own, though the two sum to zero.
      return [
        `${entry} (values ('captured', $2::bigint), ('tickets', -$2)) e(account, cents) where o.id = $1`,
        [orderId, cents, cause],
      ]
    default:
      return [
        `select ticketing.book($1, 'EUR', $3, '{captured,tickets}', array[$2::bigint, -1 - $2])`,
        [orderId, cents, cause],
      ]
  }
}
