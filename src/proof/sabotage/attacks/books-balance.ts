import type { Client } from 'pg'
import { type Random, randomFrom } from '../../../core/random.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts, type Statement } from '../attack.ts'
import { deliver, type Order, paidEvent, placeOrders, requestRefund } from './orders.ts'

const FORGERS = 6
const ROUNDS = 12

/**
 * Orders are paid and sent back through the verbs, while forgers write entries past them that create or lose money: alone,
 * in two statements that would sum to zero together, and through the function that books.
 */
export async function unbalance(database: RunDatabase, seed: number): Promise<AttackResult> {
  const orders = await placeOrders(database, `books ${seed}`)
  const clients = await database.connect(FORGERS)
  const attempts = countAttempts()
  await Promise.all(
    clients.map(async (client, forger) => {
      const random = randomFrom(seed + forger)
      for (let round = 0; round < ROUNDS; round++) {
        const order = orders[random.below(orders.length)]
        if (order === undefined) continue
        if (forger === 0) await payAndSendBack(client, order)
        else await attempts.write(client, ...forge(order, random))
      }
    }),
  )
  return attempts.result()

  async function payAndSendBack(client: Client, order: Order): Promise<void> {
    await attempts.verb(client, ...deliver(paidEvent(order, 'same', order.totalCents)))
    await attempts.verb(client, ...requestRefund(order))
  }
}

function forge({ orderId }: Order, random: Random): Statement {
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
