/**
 * A hundred buyers, each through the whole of it: order, pay on the provider's page, wait until the tickets are there. Every
 * fifth one's first card is declined, and the second one pays. The page of the stand-in takes JSON; Stripe's own does not.
 *
 *   eval "$(npx admit-once fixtures ticket-purchase)" && k6 run load-tests/scenarios/ticket-purchase.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import { Counter, Trend } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { required } from '../helpers/auth.ts'
import { pause } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import {
  DECLINED_CARD,
  finalStatus,
  GOOD_CARD,
  type Order,
  POLL_S,
  payByCard,
  placeOrder,
} from '../helpers/purchase.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const buyers = Number(__ENV['USERS'] ?? 100)
/** How long a buyer who has paid waits for the tickets. */
const waitSeconds = Number(__ENV['WAIT_S'] ?? 30)
const DECLINED_EVERY = 5

/** An order and a payment each, some in two tries, and asking how it stands until the tickets are there. */
const requestsAsking = (asks: number) => Math.ceil(buyers * (2 + 1 / DECLINED_EVERY + asks))
const requests = requestsAsking(Math.floor(waitSeconds / POLL_S) + 1)
const LIKELY_ASKS = 2

export const options: Options = {
  scenarios: {
    buyers: {
      executor: 'per-vu-iterations',
      vus: buyers,
      iterations: 1,
      maxDuration: lasting(180, requests),
    },
  },
  thresholds: getThresholds('ticket-purchase'),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('ticket-purchase', requests, requestsAsking(LIKELY_ASKS))

const purchasesCompleted = new Counter('purchases_completed')
const ticketsBought = new Counter('tickets_bought')
const centsPaid = new Counter('cents_paid')
const cardsDeclined = new Counter('cards_declined')
const unexpectedAnswers = new Counter('unexpected_answers')
const paidToTicket = new Trend('paid_to_ticket', true)

const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
/** The buyers come one after the other within so long. */
const arrivalSeconds = Number(__ENV['ARRIVAL_S'] ?? 10)

const QUANTITY_MAX = 2

export default async function purchase(): Promise<void> {
  const buyer = exec.vu.idInTest
  const quantity = 1 + (buyer % QUANTITY_MAX)
  await pause(Math.random() * arrivalSeconds)
  const order = await placeOrder({ eventId, tierId, quantity }, buyer)
  const isPlaced = check(order, { 'an order gets a payment page': () => typeof order !== 'string' })
  if (!isPlaced || typeof order === 'string') return unexpectedAnswers.add(1)
  if (buyer % DECLINED_EVERY === 0 && (await pay(order, DECLINED_CARD)) === 'declined') cardsDeclined.add(1)
  const payment = await pay(order, GOOD_CARD)
  const paidAt = Date.now()
  const status = payment === 'paid' ? await finalStatus(order.sessionId, waitSeconds) : {}
  const done = check(status, { 'who paid has tickets': (answer) => answer['status'] === 'complete' })
  if (!done) return unexpectedAnswers.add(1)
  paidToTicket.add(Date.now() - paidAt)
  purchasesCompleted.add(1)
  ticketsBought.add(quantity)
  centsPaid.add(Number((status['pricing'] as Record<string, unknown>)['totalCents']))
}

async function pay(order: Order, card: string): Promise<'paid' | 'declined' | 'closed' | 'error'> {
  const outcome = await payByCard(order, card)
  check(outcome, {
    'a good card pays, a bad one is declined': () => outcome === (card === GOOD_CARD ? 'paid' : 'declined'),
  })
  return outcome
}

export const handleSummary = summaryOf('ticket-purchase')
