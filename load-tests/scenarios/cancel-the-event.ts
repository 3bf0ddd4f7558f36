/**
 * An event is cancelled while buyers order and pay: whoever asks after that is refused, and whoever paid, before or at that
 * moment, gets all of it back. The page of the stand-in takes JSON; Stripe's own does not.
 *
 *   eval "$(npx admit-once fixtures cancel-the-event)" && k6 run load-tests/scenarios/cancel-the-event.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getHeaders, required } from '../helpers/auth.ts'
import { jsonOf, pause } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { payByCard, placeOrder, postOurs } from '../helpers/purchase.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
const manager = getHeaders(required('TEST_MANAGER_TOKENS').split(',')[0])
const buyers = Number(__ENV['USERS'] ?? 100)
/** The buyers come one after the other within so long; in the middle of it the event is cancelled. */
const arrivalSeconds = Number(__ENV['ARRIVAL_S'] ?? 10)
/** How long the house looks how far the cancellation is, and how often. */
const waitSeconds = Number(__ENV['WAIT_S'] ?? 60)
const LOOK_S = 0.5

/** A buyer thinks so long at most before paying, so that some pay an order of an event that is no more. */
const THINKS_S = 1
/** Orders that the house itself tries once it was told that the event is cancelled. */
const LATE_ORDERS = 5

const looks = Math.floor(waitSeconds / LOOK_S) + 1
const requests = 2 * buyers + looks + LATE_ORDERS

export const options: Options = {
  scenarios: {
    buyers: {
      executor: 'per-vu-iterations',
      exec: 'buy',
      vus: buyers,
      iterations: 1,
      maxDuration: lasting(arrivalSeconds + 60, requests),
    },
    house: {
      executor: 'per-vu-iterations',
      exec: 'cancel',
      startTime: `${Math.round(arrivalSeconds * 500)}ms`,
      vus: 1,
      iterations: 1,
      maxDuration: lasting(waitSeconds + 60, requests),
    },
  },
  thresholds: getThresholds('cancel-the-event'),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('cancel-the-event', requests, 2 * buyers + LATE_ORDERS + 20)

const ordersPlaced = new Counter('orders_placed')
const paymentsMade = new Counter('payments_made')
const pagesClosed = new Counter('pages_closed')
const offSaleAnswers = new Counter('off_sale_answers')
const cancellationsDone = new Counter('cancellations_done')
const soldAfterwards = new Counter('sold_afterwards')
const unexpectedAnswers = new Counter('unexpected_answers')

// Off sale, an order that ended and busy are answers; anything else but success is a failed request.
http.setResponseCallback(http.expectedStatuses(200, 409, 410, 503))

export async function buy(): Promise<void> {
  await pause(Math.random() * arrivalSeconds)
  const order = await placeOrder({ eventId, tierId }, exec.vu.idInTest)
  const refused = typeof order === 'string'
  check(order, {
    'an order, or told that there is none': () => !refused || counterOf(order) !== unexpectedAnswers,
  })
  if (typeof order === 'string') return counterOf(order).add(1)
  ordersPlaced.add(1)
  await pause(Math.random() * THINKS_S)
  const payment = await payByCard(order)
  check(payment, { 'paid, or the page was closed': () => payment === 'paid' || payment === 'closed' })
  const counter = payment === 'paid' ? paymentsMade : payment === 'closed' ? pagesClosed : unexpectedAnswers
  counter.add(1)
}

/** Asked again until the provider has sent everything back: a call goes on where the last one ended. */
export async function cancel(): Promise<void> {
  let isDone = await askCancel()
  for (let late = 0; late < LATE_ORDERS; late++) {
    const order = await placeOrder({ eventId, tierId }, buyers + 1 + late)
    if (typeof order === 'string') counterOf(order).add(1)
    else soldAfterwards.add(1)
  }
  for (let look = 1; look < looks && !isDone; look++) {
    await pause(LOOK_S)
    isDone = await askCancel()
  }
  if (isDone) cancellationsDone.add(1)
}

async function askCancel(): Promise<boolean> {
  const answer = await postOurs('cancel-event', { eventId, reason: 'The hall is closed.' }, manager, {
    operation: 'cancel',
    asked: { event: eventId },
  })
  const { success, done } = jsonOf(answer)
  check(answer, { 'the house may cancel': () => success === true })
  if (success !== true) unexpectedAnswers.add(1)
  return done === true
}

/** Of a refusal: an event may be cancelled between an order and the opening of its pay page. */
function counterOf(code: string): Counter {
  if (code === 'TIER_INACTIVE' || code === 'EVENT_CANCELLED') return offSaleAnswers
  return code === 'HOLD_EXPIRED' ? pagesClosed : unexpectedAnswers
}

export const handleSummary = summaryOf('cancel-the-event')
