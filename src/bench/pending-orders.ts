import { createHmac } from 'node:crypto'
import type { PendingOrder } from '../proof/fixtures/pending-orders.ts'
import { paidEvent } from '../proof/interleaving/races/world.ts'
import { postOf } from './load/request.ts'
import type { BenchDatabase, BenchShop } from './question.ts'

/** PostgreSQL walks the versions of a tier that one transaction made: many small ones are the faster. */
const TOGETHER = 20

/** Orders of one ticket of a tier, with payment sessions that no provider knows of: whoever has the webhook's secret may report them as paid. */
export async function placeOrders(
  { client }: BenchDatabase,
  tierId: string,
  count: number,
): Promise<readonly PendingOrder[]> {
  const orders: PendingOrder[] = []
  while (orders.length < count) {
    const many = Math.min(TOGETHER, count - orders.length)
    const { rows } = await client.query<PendingOrder>(PLACE, [tierId, many])
    if (rows.length < many) throw new Error(`${rows.length} of ${many} orders were placed`)
    await client.query(OPEN, [JSON.stringify(rows)])
    await client.query(UNASKED, [rows.map(({ order_id }) => order_id)])
    orders.push(...rows)
  }
  return orders
}

const PLACE = `
  select a ->> 'order_id' as order_id, 'cs_test_' || (a ->> 'order_id') as session_id, 'pi_' || (a ->> 'order_id') as payment_intent,
    (a ->> 'total_cents')::int as amount_cents, lower(a ->> 'currency') as currency
  from ticketing.checkout_many(array_fill(jsonb_build_object(
    'endpoint', 'create-checkout-session', 'event', 'bench', 'items', jsonb_build_array(jsonb_build_object('tier', $1::text, 'quantity', 1)),
    'customer_name', 'Ada Buyer', 'customer_email', 'ada@example.org', 'livemode', false, 'takes_payments', true,
    'success_url', 'https://example.org/thanks', 'cancel_url', 'https://example.org/cart'), array[$2::int])) as a
  where (a ->> 'success')::boolean`

const OPEN = `
  select ticketing.open_session(o.order_id, 1, jsonb_build_object('id', o.session_id, 'object', 'checkout.session',
    'status', 'open', 'url', 'https://checkout.stripe.com/c/pay/' || o.session_id))
  from jsonb_to_recordset($1::jsonb) as o(order_id uuid, session_id text)`

/** No provider knows them, so that none is asked in a run. */
const UNASKED = `update ticketing.checkout_sessions set ask_at = expires_at + interval '25 hours' where order_id = any ($1::uuid[])`

/** What the provider sends about an order that was paid, signed now: it is believed for five minutes. */
export function paidReport({ url, standIn }: BenchShop, order: PendingOrder): string {
  const event = paidEvent(order)
  const seconds = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', standIn.webhookSecret)
    .update(`${seconds}.${JSON.stringify(event)}`)
    .digest('hex')
  const headers = { 'Stripe-Signature': `t=${seconds},v1=${signature}` }
  return postOf({ url, path: '/functions/v1/stripe-webhook', headers }, event)
}
