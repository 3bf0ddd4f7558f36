/**
 * Sold out, and some who have tickets give them back while others ask for one again and again: a place that is given back is
 * sold once more, to one of them, and what was paid is with the house or back with the buyer, to the cent. The page of the
 * stand-in takes JSON; Stripe's own does not.
 *
 *   eval "$(npx admit-once fixtures refund-and-resell)" && k6 run load-tests/scenarios/refund-and-resell.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { loadProfile } from '../config/load-profiles.ts'
import { getThresholds } from '../config/thresholds.ts'
import { getHeaders, required } from '../helpers/auth.ts'
import { jsonOf, pause } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { finalStatus, type Order, POLL_S, payByCard, placeOrder, postOurs } from '../helpers/purchase.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
const manager = getHeaders(required('TEST_MANAGER_TOKENS').split(',')[0])
const stock = Number(__ENV['STOCK'] ?? 40)
/** How long buyers ask, and how often. */
const askingSeconds = Number(__ENV['ASKING_S'] ?? 30)
const askSeconds = Number(__ENV['ASK_S'] ?? 1)
/** How long a buyer who has paid waits for the tickets. */
const waitSeconds = Number(__ENV['WAIT_S'] ?? 30)

/** Of whoever gets a ticket, these give theirs back: always fewer than those who still ask. */
const regretful = Math.floor(stock / 2)
const buyers = 2 * stock
/** Nobody gives a ticket back so late that no one could buy it. */
const LAST_S = askingSeconds / 2

const asks = Math.ceil(askingSeconds / (askSeconds / 2)) + 1
const polls = Math.floor(waitSeconds / POLL_S) + 1
const requests = buyers * (asks + 1 + polls) + 2 * regretful
const likely = buyers * (asks / 2 + 3)

export const options: Options = {
  scenarios: {
    buyers: {
      executor: 'per-vu-iterations',
      vus: buyers,
      iterations: 1,
      maxDuration: lasting(askingSeconds + waitSeconds + 60, requests),
    },
  },
  thresholds: getThresholds('refund-and-resell'),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('refund-and-resell', requests, likely)

const purchasesCompleted = new Counter('purchases_completed')
const ticketsReturned = new Counter('tickets_returned')
const secondRefundsRefused = new Counter('second_refunds_refused')
const noneLeftAnswers = new Counter('none_left_answers')
const unexpectedAnswers = new Counter('unexpected_answers')

// Nothing left, refunded already and busy are answers; anything else but success is a failed request.
http.setResponseCallback(http.expectedStatuses(200, 409, 503))

export default async function buyAndRegret(): Promise<void> {
  const buyer = exec.vu.idInTest
  const startedMs = Date.now()
  const order = await askUntilSold(buyer, startedMs)
  if (order === undefined) return
  const payment = await payByCard(order)
  const { status } = payment === 'paid' ? await finalStatus(order.sessionId, waitSeconds) : {}
  const done = check(status, { 'who paid has tickets': () => status === 'complete' })
  if (!done) return unexpectedAnswers.add(1)
  purchasesCompleted.add(1)
  const keeps = buyer > regretful || secondsSince(startedMs) > LAST_S
  // Under a load profile every ticket comes back, and its buyer begins again.
  if (keeps && loadProfile === undefined) return
  await pause(askSeconds * Math.random())
  await giveBack(order)
}

async function askUntilSold(buyer: number, startedMs: number): Promise<Order | undefined> {
  for (let ask = 1; ask <= asks && secondsSince(startedMs) < askingSeconds; ask++) {
    const answer = await placeOrder({ eventId, tierId }, buyer)
    if (typeof answer !== 'string') return answer
    check(answer, { 'an order, or told that none is left': () => answer === 'INSUFFICIENT_TICKETS' })
    const counter = answer === 'INSUFFICIENT_TICKETS' ? noneLeftAnswers : unexpectedAnswers
    counter.add(1)
    await pause(askSeconds * (0.5 + Math.random()))
  }
  return undefined
}

/** Asked for twice at the same moment, as an impatient person does. */
async function giveBack({ orderId }: Order): Promise<void> {
  const refund = () =>
    postOurs('process-refund', { orderId, reason: 'regret' }, manager, {
      operation: 'refund',
      asked: { order: orderId },
    })
  const answers = await Promise.all([refund(), refund()])
  const granted = answers.filter(({ status }) => status === 200).length
  const refused = answers.filter((answer) => jsonOf(answer)['code'] === 'ALREADY_REFUNDED').length
  const once = check(answers, { 'of two clicks one is a refund': () => granted === 1 && refused === 1 })
  if (!once) return unexpectedAnswers.add(1)
  ticketsReturned.add(1)
  secondRefundsRefused.add(1)
}

function secondsSince(ms: number): number {
  return (Date.now() - ms) / 1000
}

export const handleSummary = summaryOf('refund-and-resell')
