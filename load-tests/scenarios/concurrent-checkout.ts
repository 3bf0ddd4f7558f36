/**
 * Two hundred buyers press "buy" at the same moment, and there are fifty tickets: fifty get one each, the others are
 * told that it is sold out, and nobody sees an error.
 *
 *   eval "$(npx admit-once fixtures concurrent-checkout)" && k6 run load-tests/scenarios/concurrent-checkout.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getHeaders, required } from '../helpers/auth.ts'
import { jsonOf } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { orderFree } from '../helpers/purchase.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

/** One a buyer. */
const requests = Number(__ENV['USERS'] ?? 200)

export const options: Options = {
  scenarios: {
    rush: {
      executor: 'per-vu-iterations',
      vus: requests,
      iterations: 1,
      maxDuration: lasting(60, requests),
    },
  },
  thresholds: getThresholds('concurrent-checkout'),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('concurrent-checkout', requests)

const successfulCheckouts = new Counter('successful_checkouts')
const soldOutAnswers = new Counter('sold_out_answers')
const unexpectedAnswers = new Counter('unexpected_answers')

const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
const headers = getHeaders(__ENV['TEST_USER_TOKEN'])

// Sold out and busy are answers; anything else but success is a failed request.
http.setResponseCallback(http.expectedStatuses(200, 409, 503))

export default async function buyOne(): Promise<void> {
  const buyer = exec.vu.idInTest
  const response = await orderFree({ eventId, tierId }, `Buyer ${buyer}`, headers)
  const body = jsonOf(response)
  const sold = response.status === 200 && body['success'] === true
  const soldOut = response.status === 409 && String(body['error']).includes('INSUFFICIENT_TICKETS')
  check(response, { 'sold, or told that it is sold out': () => sold || soldOut })
  if (sold) successfulCheckouts.add(1)
  else if (soldOut) soldOutAnswers.add(1)
  else unexpectedAnswers.add(1)
}

export const handleSummary = summaryOf('concurrent-checkout')
