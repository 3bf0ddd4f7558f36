import { z } from 'zod'
import { cents, currency, moment } from '../../desk/answers.ts'
import { json, type Reply } from '../http.ts'
import type { EdgeFunction } from './contract.ts'
import { quantity } from './judged-number.ts'
import { buy, type Cart, PURCHASE_REFUSALS, type Purchase } from './purchase.ts'
import {
  email,
  holdSession,
  idempotencyKeyOf,
  named,
  pageUrl,
  parseJson,
  personName,
  replayHeader,
  shownCurrency,
  shownTotal,
} from './requests.ts'
import { issuedTicket } from './shown.ts'
import { BARE, INVENTORY, type Wording } from './wording.ts'

/** One spelling of the checkout: what it calls the parts of a cart, of a purchase, and of a refusal. */
interface Spelling<Body extends z.ZodRawShape, Answer extends z.ZodType> {
  readonly body: Body
  readonly cart: (body: z.output<z.ZodObject<Body>>) => Omit<Cart, 'endpoint' | 'sessionId' | 'expected'>
  readonly answer: Answer
  readonly show: (purchase: Purchase) => z.output<Answer>
  readonly wording?: Wording
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
  return z.array(z.object({ ...tier, quantity }))
}

/** Only what is issued already. */
const tickets = z.array(issuedTicket).optional()

const sessionAnswer = z.object({
  success: z.literal(true),
  session_url: z.string(),
  url: z.string(),
  checkout_session_id: z.string(),
  order_id: z.guid(),
  hold_ids: z.array(z.guid()),
  /** Until when it can surely be paid; null where it is paid. */
  expires_at: moment.nullable(),
  pricing: z.object({ subtotal_cents: cents, fees_cents: cents, total_cents: cents, currency }),
  tickets,
})

/**
 * Buys a cart of several tiers, all or nothing, for a buyer who is signed in or a guest with a name; a free cart gets its
 * tickets at once. Takes `eventId`, `items: [{tierId, quantity}]`, `customerName`, `customerEmail`; events and tiers go by id
 * or slug. All four checkouts also take `sessionId` (or `session_id`): what that session holds of these tiers is bought, and what it
 * lacks is held besides. Without one, what a user who is signed in holds of them is. With `expectedTotalCents` (or
 * `expected_total_cents`), what the buyer was shown, a higher total is refused with the new one; `expectedCurrency` (or
 * `expected_currency`) refuses an amount in another.
 */
export const createTicketCheckout = checkout('create-ticket-checkout', {
  body: {
    eventId: named,
    items: list({ tierId: named }),
    customerName: personName,
    customerEmail: email,
  },
  cart: ({ eventId, items, customerName, customerEmail }) => ({
    event: eventId,
    items: items.map(({ tierId, quantity }) => ({ tier: tierId, quantity })),
    customerName,
    customerEmail,
  }),
  answer: z.object({
    success: z.literal(true),
    orderId: z.guid(),
    url: z.string(),
    isFree: z.boolean(),
    tickets,
  }),
  show: ({ orderId, url, isFree, tickets }) => ({ success: true as const, orderId, url, isFree, tickets }),
})

/**
 * The same checkout for a guest who may stay unnamed. Takes `eventId`, `ticketSelections: [{tierId, quantity}]` and
 * optionally `contact: {name, email}`; what is left out Stripe asks for.
 */
export const enhancedCheckout = checkout('enhanced-checkout', {
  body: {
    eventId: named,
    ticketSelections: list({ tierId: named }),
    contact: z.object({ name: personName.nullish(), email: email.nullish() }).nullish(),
  },
  cart: ({ eventId, ticketSelections, contact }) => ({
    event: eventId,
    items: ticketSelections.map(({ tierId, quantity }) => ({ tier: tierId, quantity })),
    customerName: contact?.name ?? null,
    customerEmail: contact?.email ?? null,
  }),
  answer: sessionAnswer,
  show: showSession,
  wording: INVENTORY,
})

/** The same checkout for a guest with an e-mail address. Takes `event_id`, `contact_email`, `items: [{tier_id, quantity}]`. */
export const guestCheckout = checkout('guest-checkout', {
  body: { event_id: named, contact_email: email, items: list({ tier_id: named }) },
  cart: ({ event_id, contact_email, items }) => ({
    event: event_id,
    items: items.map(({ tier_id, quantity }) => ({ tier: tier_id, quantity })),
    customerName: null,
    customerEmail: contact_email,
  }),
  answer: sessionAnswer,
  show: showSession,
  wording: INVENTORY,
})

/**
 * The same checkout for a page of its own, which names where the buyer goes afterwards. Takes `eventId`,
 * `tickets: [{ticketTypeId, quantity}]`, `customerName`, `customerEmail` and optionally `successUrl` and `cancelUrl`.
 */
export const createCheckoutSession = checkout('create-checkout-session', {
  body: {
    eventId: named,
    tickets: list({ ticketTypeId: named }),
    customerEmail: email,
    customerName: personName,
    successUrl: pageUrl.nullish(),
    cancelUrl: pageUrl.nullish(),
  },
  cart: ({ eventId, tickets, customerEmail, customerName, successUrl, cancelUrl }) => ({
    event: eventId,
    items: tickets.map(({ ticketTypeId, quantity }) => ({ tier: ticketTypeId, quantity })),
    customerName,
    customerEmail,
    successUrl,
    cancelUrl,
  }),
  answer: z.object({ sessionId: z.string(), url: z.string(), orderId: z.guid() }),
  show: ({ sessionId, url, orderId }) => ({ sessionId, url, orderId }),
  wording: BARE,
})

function checkout<Body extends z.ZodRawShape, Answer extends z.ZodType>(
  endpoint: string,
  { answer, wording, ...spelling }: Spelling<Body, Answer>,
): EdgeFunction {
  const spelled = z.object(spelling.body)
  const body = spelled.and(everyCheckout)
  const handle: EdgeFunction['handle'] = async (request, context): Promise<Reply> => {
    const key = idempotencyKeyOf(request)
    const given = await parseJson(request, body)
    const purchase = await buy(
      {
        endpoint,
        ...spelling.cart(given),
        sessionId: given.sessionId ?? given.session_id,
        expected: {
          totalCents: given.expectedTotalCents ?? given.expected_total_cents,
          currency: given.expectedCurrency ?? given.expected_currency,
        },
      },
      key,
      context,
    )
    return json(200, spelling.show(purchase), replayHeader(purchase.replayed))
  }
  const words = wording === undefined ? {} : { wording }
  return { methods: ['POST'], body, isKeyed: true, answer, refusals: PURCHASE_REFUSALS, ...words, handle }
}

function showSession({
  url,
  sessionId,
  orderId,
  holdIds,
  expiresAt,
  pricing,
  tickets,
}: Purchase): z.output<typeof sessionAnswer> {
  return {
    success: true,
    session_url: url,
    url,
    checkout_session_id: sessionId,
    order_id: orderId,
    hold_ids: [...holdIds],
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
