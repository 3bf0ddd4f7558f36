import http, { type RefinedResponse } from 'k6/http'
import { getBaseUrl, getHeaders } from './auth.ts'
import type { Operation } from './history.ts'
import { jsonOf, pause, post, postRetrying } from './http.ts'

/** An order that waits for its payment. */
export interface Order {
  readonly orderId: string
  readonly sessionId: string
  /** Where the provider takes the money. */
  readonly url: string
}

interface Wish {
  readonly eventId: string
  readonly tierId: string
  readonly quantity?: number
}

/** Free tickets, in one request, under a key of its own: a repeat is the same order. */
export function orderFree(
  { eventId, tierId, quantity = 1 }: Wish,
  name: string,
  headers = getHeaders(),
): Promise<RefinedResponse<'text'>> {
  const key = crypto.randomUUID()
  return postRetrying(
    `${getBaseUrl()}/create-ticket-checkout`,
    {
      eventId,
      items: [{ tierId, quantity }],
      customerName: name,
      customerEmail: `${name.toLowerCase().replace(' ', '-')}@example.org`,
    },
    { ...headers, 'Idempotency-Key': key },
    {},
    { operation: 'checkout', key, asked: { event: eventId, tiers: { [tierId]: quantity } } },
  )
}

/** The order, or the code of the refusal. */
export async function placeOrder(
  { eventId, tierId, quantity = 1 }: Wish,
  buyer: number,
): Promise<Order | string> {
  const key = crypto.randomUUID()
  const response = await postOurs(
    'create-checkout-session',
    {
      eventId,
      tickets: [{ ticketTypeId: tierId, quantity }],
      customerName: `Buyer ${buyer}`,
      customerEmail: `buyer-${buyer}@example.org`,
      successUrl: 'https://example.org/thanks?session_id={CHECKOUT_SESSION_ID}',
      cancelUrl: 'https://example.org/cart',
    },
    { ...getHeaders(), 'Idempotency-Key': key },
    { operation: 'checkout', key, asked: { event: eventId, tiers: { [tierId]: quantity } } },
  )
  const { orderId, sessionId, url, code } = jsonOf(response)
  if (response.status !== 200 || !String(url).includes('checkout.stripe.com')) return String(code)
  return { orderId: String(orderId), sessionId: String(sessionId), url: String(url) }
}

export const GOOD_CARD = '4242424242424242'
export const DECLINED_CARD = '4000000000000002'

/** On the provider's page: that of the stand-in takes JSON, Stripe's own does not. */
export function payByCard({ url, orderId }: Order, card = GOOD_CARD): Promise<Payment> {
  return pay(url, { card }, { operation: 'pay', asked: { order: orderId } })
}

/** By a debit that is authorised now and arrives after so many seconds of the provider's. */
export function payByDebit(url: string, seconds: number): Promise<Payment> {
  return pay(url, { method: 'bank_debit', outcome: 'succeeds', after_seconds: Math.max(0, seconds) })
}

async function pay(url: string, means: object, operation?: Operation): Promise<Payment> {
  const { status } = await post(
    url,
    means,
    { 'Content-Type': 'application/json', Accept: 'application/json' },
    {
      redirects: 0,
      responseCallback: http.expectedStatuses(200, 402, 410),
      tags: { server: 'provider', name: 'pay' },
    },
    operation,
  )
  return PAYMENTS[status] ?? 'error'
}

type Payment = 'paid' | 'declined' | 'closed' | 'error'

const PAYMENTS: Readonly<Record<number, Payment>> = {
  200: 'paid',
  402: 'declined',
  410: 'closed',
}

/** How often the page of a buyer who has paid asks. */
export const POLL_S = 0.25

/** How an order stands when it waits no more; nothing where it still does. The provider tells the box office in its own time. */
export async function finalStatus(sessionId: string, waitSeconds: number): Promise<Record<string, unknown>> {
  for (let waited = 0; waited <= waitSeconds; waited += POLL_S) {
    const answer = jsonOf(await postOurs('checkout-session-status', { sessionId }))
    if (answer['status'] !== 'pending') return answer
    await pause(POLL_S)
  }
  return {}
}

/** A call of the server, told apart from the provider's. */
export function postOurs(
  name: string,
  body: unknown,
  headers: Record<string, string> = getHeaders(),
  operation?: Operation,
): Promise<RefinedResponse<'text'>> {
  return postRetrying(`${getBaseUrl()}/${name}`, body, headers, { tags: { server: 'ours' } }, operation)
}
