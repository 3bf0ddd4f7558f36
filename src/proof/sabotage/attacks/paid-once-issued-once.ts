import { randomFrom } from '../../../core/random.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts, type Statement } from '../attack.ts'
import { deliver, type Order, PAYERS, paidEvent, placeOrders, requestRefund } from './orders.ts'

/**
 * Each order's payment is told by everybody at once: the same event, other events about the same payment, a second payment,
 * one that is too much, an end; meanwhile its tickets are issued and sent back through the verbs.
 */
export async function payTwice(database: RunDatabase, seed: number): Promise<AttackResult> {
  const clients = await database.connect(PAYERS)
  const attempts = countAttempts()
  const random = randomFrom(seed)
  for (const order of await placeOrders(database, `attack ${seed}`)) {
    const turn = random.below(PAYERS)
    // What is asked first has the best chance to meet its like, so every order begins elsewhere.
    await Promise.all(
      clients.map((client, at) => {
        const [sql, values] = moveAgainst(order, (at + turn) % PAYERS)
        return attempts.verb(client, sql, values)
      }),
    )
    // And again, when nothing is new any more.
    await Promise.all(
      clients.map((client) => attempts.verb(client, ...deliver(paidEvent(order, 'same', order.totalCents)))),
    )
    await Promise.all(clients.map((client) => attempts.verb(client, ...requestRefund(order))))
  }
  return attempts.result()
}

/** Half of the moves are one event, word by word: a provider that delivers at least once. */
function moveAgainst(order: Order, move: number): Statement {
  switch (move) {
    case 0:
      return deliver(paidEvent(order, 'other', order.totalCents))
    case 1:
      return deliver(paidEvent(order, 'second', order.totalCents, 'second'))
    case 2:
      return deliver(paidEvent(order, 'third', order.totalCents + 1, 'third'))
    case 3:
      return ['select ticketing.issue_order_tickets($1) as answer', [order.orderId]]
    default:
      return deliver(paidEvent(order, 'same', order.totalCents))
  }
}
