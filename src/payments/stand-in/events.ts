import { Stripe } from 'stripe'
import { chargeObject, disputeObject, paymentIntentObject, refundObject, sessionObject } from './objects.ts'
import type { Happening, Session } from './state.ts'

/** The event as Stripe sends it, with the object as it was when it happened. */
export function eventObject(
  happening: Happening,
  urlOf: (session: Session) => string,
  undelivered: boolean,
): Stripe.Event {
  const base = {
    id: happening.id,
    object: 'event',
    api_version: Stripe.API_VERSION,
    created: happening.created,
    livemode: false,
    pending_webhooks: undelivered ? 1 : 0,
    request: happening.request ?? { id: null, idempotency_key: null },
  } as const
  const changed = happening.previous === null ? {} : { previous_attributes: happening.previous }
  switch (happening.type) {
    case 'checkout.session.completed':
    case 'checkout.session.expired':
    case 'checkout.session.async_payment_succeeded':
    case 'checkout.session.async_payment_failed': {
      const { type, state } = happening
      return { ...base, type, data: { object: sessionObject(state, urlOf(state)), ...changed } }
    }
    case 'payment_intent.succeeded':
    case 'payment_intent.payment_failed': {
      const { type, state } = happening
      return { ...base, type, data: { object: paymentIntentObject(state), ...changed } }
    }
    case 'charge.refunded': {
      const { type, state } = happening
      return { ...base, type, data: { object: chargeObject(state), ...changed } }
    }
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed': {
      const { type, state } = happening
      return { ...base, type, data: { object: refundObject(state), ...changed } }
    }
    case 'charge.dispute.created':
    case 'charge.dispute.closed': {
      const { type, state } = happening
      return { ...base, type, data: { object: disputeObject(state), ...changed } }
    }
  }
}
