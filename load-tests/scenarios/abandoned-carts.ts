/**
 * Every ticket lies in a cart, and nobody comes back for it: some put theirs back, the others just leave. Buyers who come
 * meanwhile are told that there is none left, and ask again; when the holds end, every ticket is sold to somebody. It takes as
 * long as a hold lives: a minute, or CART_S where settings.hold_lifetime is shorter.
 *
 *   eval "$(npx admit-once fixtures abandoned-carts)" && k6 run load-tests/scenarios/abandoned-carts.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getHeaders, getSupabaseUrl, required } from '../helpers/auth.ts'
import type { Operation } from '../helpers/history.ts'
import { jsonOf, pause, postRetrying } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { orderFree } from '../helpers/purchase.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
const stock = Number(__ENV['STOCK'] ?? 60)
/** How long a cart is held: a minute, or settings.hold_lifetime where that is shorter. */
const cartSeconds = Number(__ENV['CART_S'] ?? 60)
/** How often a buyer who was told that nothing is left asks again, and how long after the last cart's end still. */
const askSeconds = Number(__ENV['ASK_S'] ?? 2)
const patienceSeconds = Number(__ENV['PATIENCE_S'] ?? 10)

const IN_A_CART = 2
const RETURNS_EVERY = 5
const carts = Math.ceil(stock / IN_A_CART)
/** More than there are tickets, so that somebody is still there for the last one. */
const buyers = Math.ceil(stock * 1.25)
const HOLD_MINUTES = 1

const asks = Math.ceil((cartSeconds + patienceSeconds) / askSeconds) + 1
const requests = 2 * carts + buyers * asks

export const options: Options = {
  scenarios: {
    carts: {
      executor: 'per-vu-iterations',
      exec: 'leaveCart',
      vus: carts,
      iterations: 1,
      maxDuration: lasting(60, requests),
    },
    buyers: {
      executor: 'per-vu-iterations',
      exec: 'buyInTheEnd',
      startTime: '1s',
      vus: buyers,
      iterations: 1,
      maxDuration: lasting(cartSeconds + patienceSeconds + 60, requests),
    },
  },
  thresholds: getThresholds('abandoned-carts', { tickets_sold: stock }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('abandoned-carts', requests)

const ticketsHeld = new Counter('tickets_held')
const ticketsReturned = new Counter('tickets_returned')
const ticketsAbandoned = new Counter('tickets_abandoned')
const ticketsSold = new Counter('tickets_sold')
const noneLeftAnswers = new Counter('none_left_answers')
const soldOutInTheEnd = new Counter('sold_out_in_the_end')
const unexpectedAnswers = new Counter('unexpected_answers')

const headers = getHeaders()

// Nothing left and busy are answers; anything else but success is a failed request.
http.setResponseCallback(http.expectedStatuses(200, 409, 503))

export async function leaveCart(): Promise<void> {
  const session = crypto.randomUUID()
  const held = jsonOf(
    await rpc(
      'reserve_tickets_batch',
      {
        p_reservations: [{ tier_id: tierId, quantity: IN_A_CART }],
        p_session_id: session,
        p_expires_minutes: HOLD_MINUTES,
      },
      { operation: 'reserve', asked: { event: eventId, tiers: { [tierId]: IN_A_CART }, session } },
    ),
  )
  if (held['success'] !== true) return answerNone(held)
  ticketsHeld.add(IN_A_CART)
  if (exec.scenario.iterationInTest % RETURNS_EVERY !== 0) return ticketsAbandoned.add(IN_A_CART)
  await pause(askSeconds)
  const putBack = { operation: 'release', asked: { event: eventId, session } } as const
  const { released } = jsonOf(await rpc('release_ticket_holds', { p_session_id: session }, putBack))
  ticketsReturned.add(Number(released ?? 0))
}

export async function buyInTheEnd(): Promise<void> {
  const untilMs = Date.now() + (cartSeconds + patienceSeconds) * 1000
  for (let ask = 1; ask <= asks && Date.now() < untilMs; ask++) {
    const answer = await buy()
    const isSold = answer['success'] === true
    check(answer, { 'sold, or told that none is left': () => isSold || isNoneLeft(answer) })
    if (isSold) return ticketsSold.add(1)
    answerNone(answer)
    await pause(askSeconds * (0.5 + Math.random()))
  }
  soldOutInTheEnd.add(1)
}

async function buy(): Promise<Record<string, unknown>> {
  const buyer = exec.scenario.iterationInTest
  return jsonOf(await orderFree({ eventId, tierId }, `Buyer ${buyer}`, headers))
}

async function rpc(verb: string, body: unknown, operation: Operation) {
  return postRetrying(`${getSupabaseUrl()}/rest/v1/rpc/${verb}`, body, headers, {}, operation)
}

function answerNone(answer: Record<string, unknown>): void {
  const counter = isNoneLeft(answer) ? noneLeftAnswers : unexpectedAnswers
  counter.add(1)
}

function isNoneLeft(answer: Record<string, unknown>): boolean {
  return String(answer['error']).includes('INSUFFICIENT_TICKETS') || answer['code'] === 'INSUFFICIENT_TICKETS'
}

export const handleSummary = summaryOf('abandoned-carts')
