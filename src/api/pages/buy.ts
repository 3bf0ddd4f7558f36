import { createHash, randomUUID } from 'node:crypto'
import { canonicalEmail } from '../../core/email.ts'
import { refusalEntry } from '../../core/refusals.ts'
import { ANON } from '../../desk/callers.ts'
import type { EventView } from '../../desk/events.ts'
import { giveUp } from '../functions/cancel-order.ts'
import { Refusal, readText, refusalOf } from '../functions/contract.ts'
import { buy, type Cart, inTheWay, type Purchase } from '../functions/purchase.ts'
import { originOf } from '../origin.ts'
import type { PageContext } from './context.ts'
import { type BuyForm, eventPage, heldOf, quantityField } from './event-page.ts'
import { readEvent } from './events.ts'
import { expectedOf, itemsOf, readForm, withProblem } from './form.ts'
import { goTo, type Page } from './layout.ts'
import { readWaiting, type Waiting, waitingCookie } from './waiting.ts'

/** A form has one number a tier and two lines. */
export const FORM_BYTES_MAX = 32 * 1024

/**
 * Buys what the form asks for: goes on to the payment, or to the order where nothing is to be paid; a refusal is the same form
 * again, with what was typed, what was wrong, and what is left now. Undefined where there is no such event.
 */
export async function buyTickets(
  request: Request,
  slug: string,
  context: PageContext,
  now: Date,
): Promise<Page | undefined> {
  const event = await readEvent(context.database, slug)
  if (event === undefined) return undefined
  const form = readForm(await readText(request, FORM_BYTES_MAX), event)
  if (form.problem !== undefined) return eventPage({ event, form }, now)
  const publicUrl = originOf(request, context)
  const bought = await buyInstead(event, form, { request, context, publicUrl })
  if ('orderUrl' in bought) {
    const { pathname } = new URL(bought.orderUrl)
    return goTo(bought.url, { 'Set-Cookie': waitingCookie(form.key, pathname, slug, publicUrl) })
  }
  const { refusal, waiting } = bought
  const fresh = (await readEvent(context.database, slug)) ?? event
  return eventPage({ event: fresh, form: refusedForm(form, refusal, waiting), waiting }, now)
}

interface Buying {
  readonly request: Request
  readonly context: PageContext
  readonly publicUrl: string
}

/** Where the buyer goes on. */
type Way = Pick<Purchase, 'orderUrl' | 'url'>

interface Refused {
  readonly refusal: Refusal
  /** The orders of this browser that wait now. */
  readonly waiting: readonly Waiting[]
}

/**
 * Buys the cart. Where what is missing is held by waiting orders of this same browser, they are given up for it: nobody
 * stands in their own way. Only where SQL says that the cart would be held then. That is no promise: while the provider
 * expires their sessions, somebody else can take the places that the cart needs beside theirs, and then both are lost.
 */
async function buyInstead(event: EventView, form: BuyForm, buying: Buying): Promise<Way | Refused> {
  const { request, context, publicUrl } = buying
  const cart = cartOf(event, form)
  const functionContext = { ...context, caller: ANON, publicUrl }
  const buyCart = () => buy(cart, keyOf(form.key, cart), functionContext)
  const refusal = await wayOrRefusal(buyCart)
  if (!(refusal instanceof Refusal)) return refusal
  const failed = failedTiers(refusal)
  const waiting = await readWaiting(request, context.database)
  const own = waiting.filter(({ held }) => failed.some(({ tier_id }) => held.has(tier_id)))
  const toGiveUp = await inTheWay(cart, own, functionContext)
  if (toGiveUp.length === 0) return { refusal, waiting }
  const instead = await wayOrRefusal(async () => {
    for (const { id, secret } of toGiveUp) await giveUp(id, secret, functionContext)
    return buyCart()
  })
  if (!(instead instanceof Refusal)) return instead
  return { refusal: instead, waiting: await readWaiting(request, context.database) }
}

async function wayOrRefusal(buyCart: () => Promise<Way>): Promise<Way | Refusal> {
  try {
    return await buyCart()
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    const orderUrl = refusal.more['order_url']
    // The tickets are held and the payment page is on its way: the order's page leads there.
    const isHeld = refusal.code === 'PAYMENT_UNAVAILABLE' && typeof orderUrl === 'string'
    return isHeld ? { orderUrl, url: orderUrl } : refusal
  }
}

function cartOf(event: EventView, form: BuyForm): Cart {
  const customerEmail = canonicalEmail(form.email)
  if (customerEmail === undefined) throw new Error('a form without a problem has an address')
  return {
    endpoint: 'page',
    event: event.id,
    items: itemsOf(form),
    customerName: form.name,
    customerEmail,
    expected: expectedOf(form),
  }
}

/** Two clicks on one page are one order; another cart on the same page is another order. */
function keyOf(formKey: string, { event, items, customerName, customerEmail }: Cart): string {
  return createHash('sha256')
    .update(JSON.stringify([formKey, { event, items, customerName, customerEmail }]))
    .digest('hex')
}

/** A refused cart's lines say which tier it was. */
function refusedForm(form: BuyForm, refusal: Refusal, waiting: readonly Waiting[]): BuyForm {
  const wrong = failedTiers(refusal).map(
    (failed) =>
      [quantityField(failed.tier_id), sentenceFor(failed, heldOf(failed.tier_id, waiting))] as const,
  )
  const isOwn = failedTiers(refusal).some(({ tier_id }) => heldOf(tier_id, waiting) > 0)
  const { status } = refusalEntry(refusal.code)
  const key = refusal.code === 'HOLD_EXPIRED' ? randomUUID() : form.key
  const words = (isOwn ? OWN_WORDS[refusal.code] : undefined) ?? WORDS[refusal.code] ?? refusal.message
  return withProblem({ ...form, key }, words, status, new Map(wrong))
}

interface FailedTier {
  readonly tier_id: string
  readonly requested?: number
  readonly available?: number
  readonly error?: string
}

function failedTiers({ more }: Refusal): readonly FailedTier[] {
  return Array.isArray(more['failed']) ? (more['failed'] as FailedTier[]) : []
}

function sentenceFor({ available = 0, error }: FailedTier, held: number): string {
  if (error === 'INSUFFICIENT_TICKETS') {
    const beside = held > 0 ? ` beside the ${held} that you hold` : ''
    return available > 0 ? `Only ${available} left${beside}.` : `None is left right now${beside}.`
  }
  return (error && WORDS[error]) || 'These cannot be bought now.'
}

/** Where an own waiting order holds some, nobody else is to blame; it was kept, as giving it up would not have been enough. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  INSUFFICIENT_TICKETS:
    'Not enough of these tickets are left beside those that your own order holds. Continue with it, or ask for fewer.',
  LIMIT_EXCEEDED:
    'That is more than one order, or one person, may have. An order of yours waits for its payment: continue with it, or ask for fewer.',
}

/** Refusals in the words of a page; the others say it well enough themselves. */
const WORDS: Readonly<Record<string, string>> = {
  AMOUNT_NOT_CHARGEABLE:
    'This total is too small or too large to be paid by card. Choose another number of tickets.',
  EVENT_ENDED: 'The event is over.',
  HOLD_EXPIRED: 'The time to pay for your last order is over. Press the button again to order anew.',
  INSUFFICIENT_TICKETS: 'Somebody was faster: not enough of these tickets are left. Nothing was ordered.',
  LIMIT_EXCEEDED: 'That is more than one order, or one person, may have.',
  LOCK_TIMEOUT: 'A lot of people are buying at this moment. Nothing was ordered: press the button again.',
  PAYMENT_REFUSED:
    'The payment could not be opened, so nothing was ordered. Try again, or ask the organiser.',
  PAYMENT_UNAVAILABLE: 'Payments do not work at the moment. Try again in a minute.',
  PRICE_CHANGED:
    'The price has changed since you opened this page, and nothing was ordered. The new prices stand below: press the button again to buy at them.',
  SALE_NOT_OPEN: 'The sale is not open.',
  TIER_INACTIVE: 'These tickets are not on sale now.',
}
