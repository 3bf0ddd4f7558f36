import { hmac } from 'k6/crypto'

/** The header that Stripe sends with an event: when it was signed, and the signature of time and body. */
export function signatureOf(body: string, secret: string, now: Date): string {
  const seconds = Math.floor(now.getTime() / 1000)
  return `t=${seconds},v1=${hmac('sha256', secret, `${seconds}.${body}`, 'hex')}`
}

/** A pending order of the fixture, and what its provider session is called. */
export interface AwaitedOrder {
  readonly order_id: string
  readonly session_id: string
  readonly payment_intent: string
  readonly amount_cents: number
  /** As Stripe writes it, in small letters. */
  readonly currency: string
}

/** What Stripe sends about a Checkout Session of an order. */
export function sessionEvent(
  id: string,
  type: 'checkout.session.completed' | 'checkout.session.expired',
  order: AwaitedOrder,
  now: Date,
): string {
  const paid = type === 'checkout.session.completed'
  return JSON.stringify({
    id,
    object: 'event',
    type,
    created: Math.floor(now.getTime() / 1000),
    livemode: false,
    data: {
      object: {
        id: order.session_id,
        object: 'checkout.session',
        mode: 'payment',
        livemode: false,
        status: paid ? 'complete' : 'expired',
        payment_status: paid ? 'paid' : 'unpaid',
        payment_intent: paid ? order.payment_intent : null,
        amount_total: order.amount_cents,
        currency: order.currency,
        client_reference_id: order.order_id,
        metadata: { order_id: order.order_id, attempt: '1' },
      },
    },
  })
}
