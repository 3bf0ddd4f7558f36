import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { qrSpelling } from '../../core/code-token.ts'
import { checkout, fitsWithout, type Order, type StoredTicket } from '../../desk/orders.ts'
import { payForOrder } from '../../payments/checkout.ts'
import type { CodeSigner } from '../code-signer.ts'
import { type FunctionContext, leftOpen, Refusal, refusalIn, requireSigningKey } from './contract.ts'
import { redirectOf } from './requests.ts'
import type { issuedTicket, pricing } from './shown.ts'

/** What somebody wants to buy; events and tiers go by id or by slug. */
export interface Cart {
  /** The function's name: the same idempotency key at two functions is two requests. */
  readonly endpoint: string
  readonly event: string
  readonly items: readonly { readonly tier: string; readonly quantity: number }[]
  readonly customerName: string | null
  readonly customerEmail: string | null
  /** Whose holds are bought; a fresh session where there is none. */
  readonly sessionId?: string | null | undefined
  /** What the buyer was shown: more is refused. */
  readonly expected?: Expected | undefined
  /** Where the buyer goes after paying, or instead; the order's page where there is none. */
  readonly successUrl?: string | null | undefined
  readonly cancelUrl?: string | null | undefined
}

export interface Expected {
  readonly totalCents?: number | null | undefined
  readonly currency?: string | null | undefined
}

/** An order that holds its tickets, or has them. */
export interface Purchase {
  readonly orderId: string
  readonly isFree: boolean
  /** The provider's pay page; the order's own where nothing is left to pay. */
  readonly url: string
  /** Whoever knows it sees the order and its tickets. */
  readonly orderUrl: string
  readonly sessionId: string
  readonly holdIds: readonly string[]
  /** Only what is issued already. */
  readonly tickets?: IssuedTicket[]
  /** Until when it can surely be paid; null where it is paid. */
  readonly expiresAt: string | null
  /** Minor units. */
  readonly pricing: z.output<typeof pricing>
  /** The key was used before for the same: this is what it won then. */
  readonly replayed: boolean
}

type IssuedTicket = z.output<typeof issuedTicket>

/** Codes of {@link buy}. */
export const PURCHASE_REFUSALS = [
  ...checkout.definition.refusals,
  'PAYMENT_UNAVAILABLE',
  'PAYMENT_REFUSED',
  'HOLD_EXPIRED',
  'SIGNING_KEY_REVOKED',
] as const

/**
 * Buys a cart, all of it or nothing: a free one gets its tickets at once, for another the pay page is opened. `key` is the
 * caller's `Idempotency-Key`. Throws a `Refusal`.
 */
export async function buy(cart: Cart, key: string | null, context: FunctionContext): Promise<Purchase> {
  requireSigningKey(context.codes)
  const answer = await context.checkout(context.caller, requestOf(cart, key, context))
  if (!answer.success) throw refusalIn(answer)
  return purchaseOf(answer, await payPageOf(answer, context), context.codes)
}

/** An order, and the secret that whoever made it knows. */
export interface OwnOrder {
  readonly id: string
  readonly secret: string
}

/** Those of the orders that are to be given up so that the cart can be bought; none where that is not enough. SQL judges. */
export async function inTheWay<Own extends OwnOrder>(
  cart: Cart,
  orders: readonly Own[],
  context: FunctionContext,
): Promise<readonly Own[]> {
  if (orders.length === 0) return []
  const answer = await fitsWithout(context.database, context.caller, {
    request: requestOf(cart, null, context),
    orders: orders.map(({ id, secret }) => ({ order_id: id, secret })),
  })
  return answer.success && answer.fits ? orders.filter(({ id }) => answer.order_ids.includes(id)) : []
}

function requestOf(cart: Cart, key: string | null, context: FunctionContext) {
  const relevant = relevantOf(cart, context)
  return {
    ...relevant,
    expected_total_cents: cart.expected?.totalCents ?? null,
    expected_currency: cart.expected?.currency ?? null,
    idempotency_key: key,
    client_address: context.from ?? null,
    fingerprint: fingerprintOf(relevant),
    public_url: context.publicUrl,
    livemode: context.payments?.livemode ?? false,
    takes_payments: context.payments !== undefined,
  }
}

/** The part of a request that its fingerprint is made of. Prices are not in it: they come from the database. */
function relevantOf(cart: Cart, { allowedRedirects, publicUrl }: FunctionContext) {
  const origins = allowedRedirects.length === 0 ? [] : [...allowedRedirects, new URL(publicUrl).origin]
  const redirect = (field: string, url: string | null | undefined) =>
    url === null || url === undefined ? null : redirectOf(field, url, origins)
  return {
    endpoint: cart.endpoint,
    event: cart.event,
    items: cart.items,
    customer_name: cart.customerName,
    customer_email: cart.customerEmail,
    session_id: cart.sessionId ?? null,
    success_url: redirect('successUrl', cart.successUrl),
    cancel_url: redirect('cancelUrl', cart.cancelUrl),
  }
}

/** Fingerprint of a request: SHA-256 of its JSON, whose keys always stand in the same order. */
function fingerprintOf(relevant: object): string {
  return createHash('sha256').update(JSON.stringify(relevant)).digest('hex')
}

interface PayPage {
  readonly url: string
  readonly sessionId: string
}

/** No connection is held while the provider is asked. */
async function payPageOf(answer: Order, { database, payments }: FunctionContext): Promise<PayPage> {
  const { order_id, order_url, payment, checkout_session_id } = answer
  if (payment === null || answer.status !== 'pending') {
    return { url: order_url, sessionId: checkout_session_id ?? '' }
  }
  if (payments === undefined) throw new Refusal('PAYMENT_UNAVAILABLE')
  const paying = await payForOrder(database, payments, { order_id, payment }).catch(leftOpen)
  const order = { order_id, order_url }
  switch (paying.kind) {
    case 'open':
      return { url: paying.url ?? order_url, sessionId: paying.sessionId }
    case 'refused':
      throw new Refusal('PAYMENT_REFUSED', undefined, order, paying.message)
    case 'unknown':
      throw new Refusal('PAYMENT_UNAVAILABLE', undefined, order, paying.message)
    case 'ended':
      throw new Refusal('HOLD_EXPIRED', undefined, order)
  }
}

function purchaseOf(answer: Order, { url, sessionId }: PayPage, codes: CodeSigner): Purchase {
  return {
    orderId: answer.order_id,
    isFree: answer.is_free,
    url,
    orderUrl: answer.order_url,
    sessionId,
    holdIds: answer.hold_ids,
    ...(answer.tickets ? { tickets: answer.tickets.map((it) => ticketOf(it, answer.event_id, codes)) } : {}),
    expiresAt: answer.expires_at,
    pricing: {
      subtotalCents: answer.subtotal_cents,
      feesCents: answer.fees_cents,
      totalCents: answer.total_cents,
      currency: answer.currency,
    },
    replayed: answer.replayed,
  }
}

function ticketOf({ id, tier_id, qr_code }: StoredTicket, eventId: string, codes: CodeSigner): IssuedTicket {
  const code = codes.token('ticket', eventId, qr_code)
  return { id, tier_id, code, qr: qrSpelling(code) }
}
