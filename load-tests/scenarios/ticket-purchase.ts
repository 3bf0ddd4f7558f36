/**
 * A hundred buyers, each through the whole of it: order, pay on the provider's page, wait until the tickets are there. Every
 * fifth one's first card is declined, and the second one pays. The page of the stand-in takes JSON; Stripe's own does not.
 *
 *   eval "$(npx admit-once fixtures ticket-purchase)" && k6 run load-tests/scenarios/ticket-purchase.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter, Trend } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getBaseUrl, getHeaders, required } from '../helpers/auth.ts'
import { jsonOf, pause, postRetrying } from '../helpers/http.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

export const options: Options = {
  scenarios: {
    buyers: {
      executor: 'per-vu-iterations',
      vus: Number(__ENV['USERS'] ?? 100),
      iterations: 1,
      maxDuration: '180s',
    },
  },
  thresholds: getThresholds('ticket-purchase'),
  summaryTrendStats: TREND_STATS,
}

const purchasesCompleted = new Counter('purchases_completed')
const ticketsBought = new Counter('tickets_bought')
const centsPaid = new Counter('cents_paid')
const cardsDeclined = new Counter('cards_declined')
const unexpectedAnswers = new Counter('unexpected_answers')
const paidToTicket = new Trend('paid_to_ticket', true)

const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
const headers = getHeaders()
/** The buyers come one after the other within so long. */
const arrivalSeconds = Number(__ENV['ARRIVAL_S'] ?? 10)

const GOOD_CARD = '4242424242424242'
const DECLINED_CARD = '4000000000000002'
const DECLINED_EVERY = 5
const QUANTITY_MAX = 2
const POLL_S = 0.25
/** How long a buyer who has paid waits for the tickets. */
const waitSeconds = Number(__ENV['WAIT_S'] ?? 30)

export default async function purchase(): Promise<void> {
  const buyer = exec.vu.idInTest
  const quantity = 1 + (buyer % QUANTITY_MAX)
  await pause(Math.random() * arrivalSeconds)
  const order = await placeOrder(buyer, quantity)
  if (order === undefined) return unexpectedAnswers.add(1)
  if (buyer % DECLINED_EVERY === 0 && (await pay(order.url, DECLINED_CARD)) === 'declined')
    cardsDeclined.add(1)
  const payment = await pay(order.url, GOOD_CARD)
  const paidAt = Date.now()
  const status = payment === 'paid' ? await finalStatus(order.sessionId) : {}
  const done = check(status, { 'who paid has tickets': (answer) => answer['status'] === 'complete' })
  if (!done) return unexpectedAnswers.add(1)
  paidToTicket.add(Date.now() - paidAt)
  purchasesCompleted.add(1)
  ticketsBought.add(quantity)
  centsPaid.add(Number((status['pricing'] as Record<string, unknown>)['totalCents']))
}

async function placeOrder(buyer: number, quantity: number) {
  const response = await post('create-checkout-session', {
    eventId,
    tickets: [{ ticketTypeId: tierId, quantity }],
    customerName: `Buyer ${buyer}`,
    customerEmail: `buyer-${buyer}@example.org`,
    successUrl: 'https://example.org/thanks?session_id={CHECKOUT_SESSION_ID}',
    cancelUrl: 'https://example.org/cart',
  })
  const { sessionId, url } = jsonOf(response)
  const placed = response.status === 200 && String(url).includes('checkout.stripe.com')
  check(response, { 'an order gets a payment page': () => placed })
  return placed ? { sessionId: String(sessionId), url: String(url) } : undefined
}

async function pay(url: string, card: string): Promise<'paid' | 'declined' | 'error'> {
  const response = await http.asyncRequest('POST', url, JSON.stringify({ card }), {
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    responseType: 'text',
    redirects: 0,
    responseCallback: http.expectedStatuses(200, 402),
    tags: { server: 'provider', name: 'pay' },
  })
  const outcome = response.status === 402 ? 'declined' : response.status === 200 ? 'paid' : 'error'
  check(outcome, {
    'a good card pays, a bad one is declined': () => outcome === (card === GOOD_CARD ? 'paid' : 'declined'),
  })
  return outcome
}

/** The provider tells the box office by webhook, in its own time. */
async function finalStatus(sessionId: string): Promise<Record<string, unknown>> {
  for (let waited = 0; waited <= waitSeconds; waited += POLL_S) {
    const answer = jsonOf(await post('checkout-session-status', { sessionId }))
    if (answer['status'] !== 'pending') return answer
    await pause(POLL_S)
  }
  return {}
}

function post(name: string, body: unknown) {
  return postRetrying(`${getBaseUrl()}/${name}`, body, headers, { tags: { server: 'ours' } })
}

export const handleSummary = summaryOf('ticket-purchase')
