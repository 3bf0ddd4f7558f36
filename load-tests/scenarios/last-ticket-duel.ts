/**
 * Two buyers press "buy" at the same moment for the one ticket of a tier that is left, fifty rounds of it: in each round one of
 * them gets it, the other is told that it is sold out; never both, never neither.
 *
 *   eval "$(npx admit-once fixtures last-ticket-duel)" && k6 run load-tests/scenarios/last-ticket-duel.ts
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

const eventId = required('EVENT_ID')
/** One a round, with one ticket each. */
const tierIds = required('TIER_IDS').split(',')
const rounds = tierIds.length
const duellists = required('TEST_USER_TOKENS').split(',').slice(0, 2)

/** Rounds that are fought beside each other. */
const ROUNDS_AT_ONCE = 10

const requests = duellists.length * rounds

export const options: Options = {
  scenarios: {
    duels: {
      executor: 'shared-iterations',
      vus: Math.min(ROUNDS_AT_ONCE, rounds),
      iterations: rounds,
      maxDuration: lasting(60, requests),
    },
  },
  thresholds: getThresholds('last-ticket-duel', { duels_won: rounds, duels_lost: rounds }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('last-ticket-duel', requests)

const duelsWon = new Counter('duels_won')
const duelsLost = new Counter('duels_lost')
const bothWon = new Counter('both_won')
const neitherWon = new Counter('neither_won')
const unexpectedAnswers = new Counter('unexpected_answers')

// Sold out and busy are answers; anything else but success is a failed request.
http.setResponseCallback(http.expectedStatuses(200, 409, 503))

export default async function duel(): Promise<void> {
  const round = exec.scenario.iterationInTest
  const won = (await Promise.all(duellists.map((token, buyer) => buy(token, buyer, round)))).filter(Boolean)
  check(won, { 'one of two has the last ticket': ({ length }) => length === 1 })
  if (won.length > 1) bothWon.add(1)
  if (won.length === 0) neitherWon.add(1)
}

async function buy(token: string, buyer: number, round: number): Promise<boolean> {
  const tierId = tierIds[round] ?? ''
  const response = await orderFree({ eventId, tierId }, `Duellist ${buyer}`, getHeaders(token))
  const { success, error } = jsonOf(response)
  const won = response.status === 200 && success === true
  const lost = response.status === 409 && String(error).includes('INSUFFICIENT_TICKETS')
  const counter = won ? duelsWon : lost ? duelsLost : unexpectedAnswers
  counter.add(1)
  return won
}

export const handleSummary = summaryOf('last-ticket-duel')
