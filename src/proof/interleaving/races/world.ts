import type { Client } from 'pg'
import { makeFixture } from '../../fixtures/fixtures.ts'
import { type PendingOrder, placePendingOrders } from '../../fixtures/pending-orders.ts'
import { type FixtureTicket, sellTickets } from '../../fixtures/tickets.ts'
import type { Call, House, Session } from '../race.ts'

/** A business with an event, for all races of a database. */
export async function makeHouse(client: Client): Promise<House> {
  const { businessId, eventId, scannerId } = await makeFixture(client, 'ticketing-flow', {
    slug: 'interleavings',
    stock: 1,
  })
  return { businessId, eventId, staffId: scannerId }
}

/** One row's first column. */
export async function firstValue<T>(client: Client, sql: string, values: readonly unknown[]): Promise<T> {
  const { rows } = await client.query(sql, [...values])
  return Object.values(rows[0] ?? {})[0] as T
}

/** A tier of the event with so many places, and gives its id. */
export function addTier(client: Client, eventId: string, total: number, priceCents = 0): Promise<string> {
  return firstValue(
    client,
    `insert into ticket_tiers (event_id, slug, name, total_quantity, max_per_order, price_cents)
     values ($1, gen_random_uuid()::text, 'Floor', $2, null, $3) returning id`,
    [eventId, total, priceCents],
  )
}

const PRICE_CENTS = 2500
let orders = 1

/** An order of one ticket that waits for its payment, the only one of its tier. */
export async function placeOrder(
  client: Client,
  eventId: string,
): Promise<{ readonly order: PendingOrder; readonly tierId: string }> {
  const tierId = await addTier(client, eventId, 1, PRICE_CENTS)
  const [order] = await placePendingOrders(client, eventId, tierId, 1, orders++)
  if (order === undefined) throw new Error('no order was placed')
  return { order, tierId }
}

/** What the provider says when an order is paid; each event has its id. */
export function paidEvent(order: PendingOrder, type = 'checkout.session.completed'): object {
  const object = {
    id: order.session_id,
    object: 'checkout.session',
    mode: 'payment',
    status: 'complete',
    payment_status: 'paid',
    livemode: false,
    client_reference_id: order.order_id,
    metadata: { order_id: order.order_id, attempt: '1' },
    payment_intent: order.payment_intent,
    amount_total: order.amount_cents,
    currency: order.currency,
    customer_details: { email: 'buyer@example.org', name: 'Buyer' },
  }
  return { id: `evt_${type}_${order.order_id}`, object: 'event', type, livemode: false, data: { object } }
}

/** An order that was paid, and its ticket. */
export async function sellTicket(
  client: Client,
  eventId: string,
): Promise<{ readonly orderId: string; readonly ticketId: string }> {
  const { order } = await placeOrder(client, eventId)
  await client.query('select ticketing.receive_webhook($1)', [paidEvent(order)])
  const ticketId = await firstValue<string>(client, 'select id from tickets where order_id = $1', [
    order.order_id,
  ])
  return { orderId: order.order_id, ticketId }
}

/** A free ticket, and its code. */
export async function freeTicket(client: Client, eventId: string): Promise<FixtureTicket> {
  const [ticket] = await sellTickets(client, eventId, await addTier(client, eventId, 1), 1)
  if (ticket === undefined) throw new Error('no ticket was sold')
  return ticket
}

export function session(name: string, ...calls: readonly Call[]): Session {
  return { name, calls }
}

/** The provider reports a payment. */
export function report(name: string, event: object): Session {
  return session(name, {
    name: 'receive_webhook',
    sql: 'select ticketing.receive_webhook($1)',
    values: [event],
  })
}

/** Holds tickets of these tiers, in this order. */
export function hold(name: string, tierIds: readonly string[], quantity = 1): Call {
  const cart = JSON.stringify(tierIds.map((tier_id) => ({ tier_id, quantity })))
  return { name, sql: 'select reserve_tickets_batch($1)', values: [cart] }
}

/** A raw write, as the organiser's tools make it. */
export function smaller(table: string, column: string, id: string): Call {
  return {
    name: 'make it smaller',
    sql: `update ${table} set ${column} = 1 where id = $1 returning true`,
    values: [id],
    told: () => 'written',
  }
}
