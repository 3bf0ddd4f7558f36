/**
 * Payments that arrive around the moment when the hold ends, while others ask for the same places: each payment is a ticket, or
 * goes back; never both, never neither. It takes as long as an order may be paid, which are minutes with the settings as
 * they are; `prove` has settings of seconds and a stand-in of Stripe whose clock is CLOCK_SCALE times as fast.
 *
 *   eval "$(npx admit-once fixtures pay-at-the-last-second)" && k6 run load-tests/scenarios/pay-at-the-last-second.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { required } from '../helpers/auth.ts'
import { jsonOf, pause } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { type Order, payByCard, payByDebit, placeOrder, postOurs } from '../helpers/purchase.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
const stock = Number(__ENV['STOCK'] ?? 40)
const clockScale = Number(__ENV['CLOCK_SCALE'] ?? 1)
/** How long others ask for the places: longer than an order may be paid. */
const askingSeconds = Number(__ENV['ASKING_S'] ?? 3600)
const askSeconds = Number(__ENV['ASK_S'] ?? 10)

/** A card is charged so much before or after the time until which an order may surely be paid … */
const SPREAD_S = 1.5
/** … and a debit arrives so much later at most: the hold lasts a little longer than it says, and then others may have the place. */
const LATE_S = 5

/** One for each place, and half as many who want one as well. */
const late = stock
const waiting = Math.ceil(stock / 2)
const asks = Math.ceil(askingSeconds / (askSeconds / 2)) + 1
const requests = 3 * late + waiting * (asks + 1)

export const options: Options = {
  scenarios: {
    late: {
      executor: 'per-vu-iterations',
      exec: 'payLate',
      vus: late,
      iterations: 1,
      maxDuration: lasting(askingSeconds + 60, requests),
    },
    waiting: {
      executor: 'per-vu-iterations',
      exec: 'waitForPlace',
      startTime: '1s',
      vus: waiting,
      iterations: 1,
      maxDuration: lasting(askingSeconds + 60, requests),
    },
  },
  thresholds: getThresholds('pay-at-the-last-second'),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('pay-at-the-last-second', requests)

const ordersPlaced = new Counter('orders_placed')
const cardsCharged = new Counter('cards_charged')
const debitsAuthorised = new Counter('debits_authorised')
const pagesClosed = new Counter('pages_closed')
const noneLeftAnswers = new Counter('none_left_answers')
const unexpectedAnswers = new Counter('unexpected_answers')

// Nothing left and busy are answers; anything else but success is a failed request.
http.setResponseCallback(http.expectedStatuses(200, 409, 503))

/** Every other one pays by a debit, which is authorised at once and arrives late; the others come late with a card. */
export async function payLate(): Promise<void> {
  const buyer = exec.vu.idInTest
  const order = await placeOrder({ eventId, tierId }, buyer)
  const isPlaced = check(order, { 'an order gets a payment page': () => typeof order !== 'string' })
  if (!isPlaced || typeof order === 'string') return unexpectedAnswers.add(1)
  ordersPlaced.add(1)
  const { expiresAt } = jsonOf(await postOurs('checkout-session-status', { sessionId: order.sessionId }))
  const seconds = (Date.parse(String(expiresAt)) - Date.now()) / 1000 - SPREAD_S
  if (buyer % 2 === 0) return authorise(order, seconds + (SPREAD_S + LATE_S) * Math.random())
  await pause(seconds + 2 * SPREAD_S * Math.random())
  return payNow(order)
}

/** Until the money has arrived. */
async function authorise(order: Order, seconds: number): Promise<void> {
  const payment = await payByDebit(order.url, seconds * clockScale)
  const counter = payment === 'paid' ? debitsAuthorised : unexpectedAnswers
  counter.add(1)
  await pause(seconds + SPREAD_S)
}

async function payNow(order: Order): Promise<void> {
  const payment = await payByCard(order)
  check(payment, { 'paid, or the page was closed': () => payment === 'paid' || payment === 'closed' })
  const counter = payment === 'paid' ? cardsCharged : payment === 'closed' ? pagesClosed : unexpectedAnswers
  counter.add(1)
}

export async function waitForPlace(): Promise<void> {
  const startedMs = Date.now()
  for (let ask = 1; ask <= asks && Date.now() - startedMs < askingSeconds * 1000; ask++) {
    const answer = await placeOrder({ eventId, tierId }, exec.vu.idInTest)
    if (typeof answer !== 'string') {
      ordersPlaced.add(1)
      return payNow(answer)
    }
    const counter = answer === 'INSUFFICIENT_TICKETS' ? noneLeftAnswers : unexpectedAnswers
    counter.add(1)
    await pause(askSeconds * (0.5 + Math.random()))
  }
}

export const handleSummary = summaryOf('pay-at-the-last-second')
