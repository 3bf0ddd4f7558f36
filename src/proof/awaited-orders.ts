import type { Client } from 'pg'

/** A pending order, and what its provider session is called; in `webhook-orders.json` under these names. */
export interface AwaitedOrder {
  readonly order_id: string
  readonly session_id: string
  /** What its payment will be called. */
  readonly payment_intent: string
  readonly amount_cents: number
  /** As Stripe writes it, in small letters. */
  readonly currency: string
}

/**
 * Places `count` orders of one ticket each and opens a payment session for each: no provider knows of these, whoever holds
 * the webhook's secret may report them as paid.
 */
export async function awaitPayments(
  client: Client,
  eventId: string,
  tierId: string,
  count: number,
): Promise<readonly AwaitedOrder[]> {
  const orders: AwaitedOrder[] = []
  for (let number = 0; number < count; number++) {
    const placed = await client.query<{ answer: Placed }>('select ticketing.checkout($1) as answer', [
      {
        endpoint: 'create-checkout-session',
        event: eventId,
        items: [{ tier: tierId, quantity: 1 }],
        customer_name: `Buyer ${number}`,
        customer_email: `buyer-${number}@example.org`,
        success_url: 'https://example.org/thanks',
        cancel_url: 'https://example.org/cart',
        livemode: false,
      },
    ])
    orders.push(await openSession(client, eventId, number, placed.rows[0]?.answer))
  }
  return orders
}

interface Placed {
  readonly success: boolean
  readonly order_id: string
  readonly total_cents: number
  readonly currency: string
}

async function openSession(
  client: Client,
  eventId: string,
  number: number,
  placed: Placed | undefined,
): Promise<AwaitedOrder> {
  if (placed?.success !== true) throw new Error(`the fixture's order was refused: ${JSON.stringify(placed)}`)
  const order = {
    order_id: placed.order_id,
    session_id: `cs_test_fixture_${eventId}_${number}`,
    payment_intent: `pi_fixture_${eventId}_${number}`,
    amount_cents: placed.total_cents,
    currency: placed.currency.toLowerCase(),
  }
  const url = `https://checkout.stripe.com/c/pay/${order.session_id}`
  const session = { id: order.session_id, object: 'checkout.session', status: 'open', url }
  await client.query('select ticketing.open_session($1, 1, $2)', [order.order_id, session])
  return order
}
