import { makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import type { Statement } from '../attack.ts'

/** So many may attack an order's payment at once. */
export const PAYERS = 8
const ORDERS = 8
const QUANTITY = 2
/** Room for every ticket that a broken promise would issue. */
const STOCK = ORDERS * QUANTITY * PAYERS

/** A webhook, as the provider delivers it. */
export const deliver = (event: object): Statement => [
  'select ticketing.receive_webhook($1) as answer',
  [event],
]
export const requestRefund = (order: Order): Statement => [
  'select ticketing.request_refund($1) as answer',
  [order.orderId],
]

export interface Order {
  readonly orderId: string
  readonly totalCents: number
}

/** An event about a payment of the order; the same name is the same event. */
export function paidEvent(order: Order, name: string, amount: number, payment = 'first'): object {
  return {
    id: `evt_${name}_${order.orderId}`,
    type: 'checkout.session.completed',
    data: {
      object: {
        id: `cs_${order.orderId}`,
        mode: 'payment',
        status: 'complete',
        payment_status: 'paid',
        metadata: { order_id: order.orderId, attempt: '1' },
        payment_intent: `pi_${payment}_${order.orderId}`,
        amount_total: amount,
        currency: 'eur',
      },
    },
  }
}

/** Orders that wait for their payment. */
export async function placeOrders(database: RunDatabase, slug: string): Promise<readonly Order[]> {
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
