import { z } from 'zod'
import { json, type Reply } from '../http.ts'
import { anyNumber } from './any-number.ts'
import { bareRefusal, type EdgeFunction, type Refusal, readJson } from './contract.ts'
import { buy, type Cart, type Purchase } from './purchase.ts'
import {
  email,
  holdSession,
  idempotencyKeyOf,
  named,
  pageUrl,
  parse,
  personName,
  replayHeader,
  shownCurrency,
  shownTotal,
} from './requests.ts'

/** One spelling of the checkout: what it calls the parts of a cart, of a purchase, and of a refusal. */
interface Spelling<Body> {
  readonly body: z.ZodType<Body>
  readonly cart: (body: Body) => Omit<Cart, 'endpoint' | 'sessionId' | 'expected'>
  readonly answer: (purchase: Purchase) => object
  readonly refusal?: (refusal: Refusal) => object
}

/**
 * Buys a cart of several tiers, all or nothing, for a buyer who is signed in or a guest with a name; a free cart gets its
 * tickets at once. Takes `eventId`, `items: [{tierId, quantity}]`, `customerName`, `customerEmail`; events and tiers go by id
 * or slug. All four checkouts also take `sessionId` (or `session_id`): what that session holds of these tiers is bought, and what it
 * lacks is held besides. Without one, what a user who is signed in holds of them is. With `expectedTotalCents` (or
 * `expected_total_cents`), what the buyer was shown, a higher total is refused with the new one; `expectedCurrency` (or
 * `expected_currency`) refuses an amount in another.
 */
export const createTicketCheckout = checkout('create-ticket-checkout', {
  body: z.object({
    eventId: named,
    items: list({ tierId: named }),
    customerName: personName,
    customerEmail: email,
  }),
  cart: ({ eventId, items, customerName, customerEmail }) => ({
    event: eventId,
    items: items.map(({ tierId, quantity }) => ({ tier: tierId, quantity })),
    customerName,
    customerEmail,
  }),
  answer: ({ orderId, url, isFree, tickets }) => ({ success: true, orderId, url, isFree, tickets }),
})

/**
 * The same checkout for a guest who may stay unnamed. Takes `eventId`, `ticketSelections: [{tierId, quantity}]` and
 * optionally `contact: {name, email}`; what is left out Stripe asks for.
 */
export const enhancedCheckout = checkout('enhanced-checkout', {
  body: z.object({
    eventId: named,
    ticketSelections: list({ tierId: named }),
    contact: z.object({ name: personName.nullish(), email: email.nullish() }).nullish(),
  }),
  cart: ({ eventId, ticketSelections, contact }) => ({
    event: eventId,
    items: ticketSelections.map(({ tierId, quantity }) => ({ tier: tierId, quantity })),
    customerName: contact?.name ?? null,
    customerEmail: contact?.email ?? null,
  }),
  answer: sessionAnswer,
  refusal: inventoryRefusal,
})

/** The same checkout for a guest with an e-mail address. Takes `event_id`, `contact_email`, `items: [{tier_id, quantity}]`. */
export const guestCheckout = checkout('guest-checkout', {
  body: z.object({ event_id: named, contact_email: email, items: list({ tier_id: named }) }),
  cart: ({ event_id, contact_email, items }) => ({
    event: event_id,
    items: items.map(({ tier_id, quantity }) => ({ tier: tier_id, quantity })),
    customerName: null,
    customerEmail: contact_email,
  }),
  answer: sessionAnswer,
  refusal: inventoryRefusal,
})

/**
 * The same checkout for a page of its own, which names where the buyer goes afterwards. Takes `eventId`,
 * `tickets: [{ticketTypeId, quantity}]`, `customerName`, `customerEmail` and optionally `successUrl` and `cancelUrl`.
 */
export const createCheckoutSession = checkout('create-checkout-session', {
  body: z.object({
    eventId: named,
    tickets: list({ ticketTypeId: named }),
    customerEmail: email,
    customerName: personName,
    successUrl: pageUrl.nullish(),
    cancelUrl: pageUrl.nullish(),
  }),
  cart: ({ eventId, tickets, customerEmail, customerName, successUrl, cancelUrl }) => ({
    event: eventId,
    items: tickets.map(({ ticketTypeId, quantity }) => ({ tier: ticketTypeId, quantity })),
    customerName,
    customerEmail,
    successUrl,
    cancelUrl,
  }),
  answer: ({ sessionId, url, orderId }) => ({ sessionId, url, orderId }),
  refusal: bareRefusal,
})

function checkout<Body>(endpoint: string, spelling: Spelling<Body>): EdgeFunction {
  const handle: EdgeFunction['handle'] = async (request, context): Promise<Reply> => {
    const key = idempotencyKeyOf(request)
    const given = await readJson(request)
    const cart = spelling.cart(parse(given, spelling.body))
    const more = parse(given, everyCheckout)
    const purchase = await buy(
      {
        endpoint,
        ...cart,
        sessionId: more.sessionId ?? more.session_id,
        expected: {
          totalCents: more.expectedTotalCents ?? more.expected_total_cents,
          currency: more.expectedCurrency ?? more.expected_currency,
        },
      },
      key,
      context,
    )
    return json(200, spelling.answer(purchase), replayHeader(purchase.replayed))
  }
  return { methods: ['POST'], handle, ...(spelling.refusal === undefined ? {} : { spell: spelling.refusal }) }
}

/** What each spelling takes besides: the session whose holds are bought, and the price that was shown. */
const everyCheckout = z.object({
  sessionId: holdSession,
  session_id: holdSession,
  expectedTotalCents: shownTotal,
  expected_total_cents: shownTotal,
  expectedCurrency: shownCurrency,
  expected_currency: shownCurrency,
})

/** Lines of a cart, of which the verb says whether they are one; prices beside them are ignored. */
function list<Tier extends z.ZodRawShape>(tier: Tier) {
  return z.array(z.object({ ...tier, quantity: anyNumber }))
}

function sessionAnswer({ url, sessionId, orderId, holdIds, expiresAt, pricing, tickets }: Purchase): object {
  return {
    success: true,
    session_url: url,
    url,
    checkout_session_id: sessionId,
    order_id: orderId,
    hold_ids: holdIds,
    expires_at: expiresAt,
    pricing: {
      subtotal_cents: pricing.subtotalCents,
      fees_cents: pricing.feesCents,
      total_cents: pricing.totalCents,
      currency: pricing.currency,
    },
    tickets,
  }
}

/** These two call sold out by another name. */
function inventoryRefusal({ code, message, more }: Refusal): object {
  return code === 'INSUFFICIENT_TICKETS'
    ? {
        success: false,
        error_code: 'INSUFFICIENT_INVENTORY',
        error: `INSUFFICIENT_INVENTORY: ${message} (insufficient inventory)`,
        ...more,
      }
    : { success: false, error_code: code, error: `${code}: ${message}`, ...more }
}
