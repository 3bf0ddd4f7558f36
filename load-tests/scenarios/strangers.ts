/**
 * Buyers hold tickets, order some and change their minds, while strangers who know every id and every session by heart (the buyer
 * next to them, a guest, the door's staff) try to take, to change and to read it, through every door, at the same moment. Nobody
 * but the buyer is served, and the buyer finds everything as it was.
 *
 *   eval "$(npx admit-once fixtures strangers)" && k6 run load-tests/scenarios/strangers.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http, { type RefinedResponse } from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getBaseUrl, getHeaders, getSupabaseUrl, required } from '../helpers/auth.ts'
import type { Operation } from '../helpers/history.ts'
import { jsonOf, postRetrying } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const tokens = required('TEST_USER_TOKENS').split(',')
const doorToken = required('TEST_SCANNER_TOKEN')
const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
const businessId = required('TEST_BUSINESS_ID')

const HELD = 3
const ORDERED = 1

/** Of each buyer, of three strangers at fifteen doors, of two at three more. */
const requests = tokens.length * (5 + 3 * 15 + 2 * 3)

export const options: Options = {
  scenarios: {
    visit: {
      executor: 'per-vu-iterations',
      vus: tokens.length,
      iterations: 1,
      maxDuration: lasting(60, requests),
    },
  },
  thresholds: getThresholds('strangers', { buyers_served: tokens.length }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('strangers', requests)

/** Buyers who found everything as it was. */
const buyersServed = new Counter('buyers_served')
const ticketsReleased = new Counter('tickets_released')
/** No such thing, says the server: a stranger does not even learn that it is there. */
const notFound = new Counter('not_found')
const forbidden = new Counter('forbidden')
const unauthorized = new Counter('unauthorized')
const strangersServed = new Counter('strangers_served')
const unexpectedAnswers = new Counter('unexpected_answers')

// To be refused is what strangers are here for.
http.setResponseCallback(http.expectedStatuses(200, 204, 401, 403, 404))

type Headers = Record<string, string>
type Answer = RefinedResponse<'text'>

export default async function visit(): Promise<void> {
  const at = exec.scenario.iterationInTest % tokens.length
  const own = getHeaders(tokens[at])
  const session = crypto.randomUUID()
  const orderId = await holdAndOrder(own, session)
  if (orderId === undefined) return unexpectedAnswers.add(1)
  const neighbour = getHeaders(tokens[(at + 1) % tokens.length])
  for (const stranger of [neighbour, getHeaders(), getHeaders(doorToken)])
    for (const tries of [takings, readings])
      for (const answer of await Promise.all(tries(stranger, session, orderId))) judge(answer)
  // The door's staff reads codes and lists; others do not.
  for (const stranger of [neighbour, getHeaders()])
    for (const answer of await Promise.all(doorsOf(stranger))) judge(answer)
  // What opens an order's page is told by verbs: no row shows it, not even to whose it is.
  judge(await read(`orders?id=eq.${orderId}&select=secret`, own))
  await leave(own, session, orderId)
}

/** Holds tickets, and puts some of them into an order that waits for its payment. */
async function holdAndOrder(own: Headers, session: string): Promise<string | undefined> {
  const p_reservations = [{ tier_id: tierId, quantity: HELD }]
  const held = await rpc('reserve_tickets_batch', { p_reservations, p_session_id: session }, own, {
    operation: 'reserve',
    asked: { event: eventId, tiers: { [tierId]: HELD }, session },
  })
  const order = await post('create-ticket-checkout', cartOf(session), own, {
    operation: 'checkout',
    asked: { event: eventId, tiers: { [tierId]: ORDERED } },
  })
  const { orderId } = jsonOf(order)
  return jsonOf(held)['success'] === true && typeof orderId === 'string' ? orderId : undefined
}

const cartOf = (session: string) => ({
  eventId,
  items: [{ tierId, quantity: ORDERED }],
  customerName: 'Ada Buyer',
  customerEmail: 'ada@example.org',
  sessionId: session,
})

/** What a stranger tries with somebody else's session and order. */
function takings(stranger: Headers, session: string, orderId: string): Promise<Answer>[] {
  const p_reservations = [{ tier_id: tierId, quantity: 1 }]
  return [
    rpc('release_ticket_holds', { p_session_id: session }, stranger),
    rpc('extend_ticket_holds', { p_session_id: session, p_extend_minutes: 10 }, stranger),
    rpc('reserve_tickets_batch', { p_reservations, p_session_id: session }, stranger),
    post('create-ticket-checkout', cartOf(session), stranger),
    post('cancel-order', { orderId, secret: 'a guess' }, stranger),
    post('process-refund', { orderId }, stranger),
    post('void-tickets', { orderId, reason: 'a guess' }, stranger),
    post('cancel-event', { eventId }, stranger),
    http.asyncRequest('GET', `${getSupabaseUrl()}/orders/${orderId}/guess`, null, {
      headers: stranger,
      responseType: 'text',
    }),
  ]
}

/** What a stranger would see in tables of what is somebody's, and what only the server calls. */
function readings(stranger: Headers, session: string, orderId: string): Promise<Answer>[] {
  return [
    read(`orders?id=eq.${orderId}&select=id,customer_email`, stranger),
    read(`order_items?order_id=eq.${orderId}&select=id`, stranger),
    read(`ticket_holds?session_id=eq.${session}&select=id`, stranger),
    read('webhook_events?select=id&limit=1', stranger),
    rpc('claim_order_ticketing', { p_order_id: orderId }, stranger),
    rpc('expire_ticket_holds', { p_limit: 1 }, stranger),
  ]
}

const SCAN = { qrData: 'A'.repeat(20), scannedAt: '2026-01-01T12:00:00Z', scannedBy: 'a guess' }

/** What only who works at the door may ask. */
function doorsOf(stranger: Headers): Promise<Answer>[] {
  return [
    post('validate-qr', { qrData: 'A'.repeat(20), businessId, scannedBy: 'a guess' }, stranger),
    post('sync-offline-scans', { businessId, scans: [SCAN] }, stranger),
    http.asyncRequest('GET', `${getBaseUrl()}/gate-list?event=${eventId}`, null, {
      headers: stranger,
      responseType: 'text',
    }),
  ]
}

/** Everything is still the buyer's: the order is given up, and what is held besides is given back, to the last ticket. */
async function leave(own: Headers, session: string, orderId: string): Promise<void> {
  const given = await post('cancel-order', { orderId }, own, {
    operation: 'cancel',
    asked: { order: orderId },
  })
  const rest = await rpc('release_ticket_holds', { p_session_id: session }, own, {
    operation: 'release',
    asked: { event: eventId, session },
  })
  const released = Number(jsonOf(rest)['released'])
  ticketsReleased.add(released)
  const asItWas = check(given, {
    'a buyer finds it as it was': ({ status }) => status === 200 && released === HELD - ORDERED,
  })
  if (asItWas) buyersServed.add(1)
  else unexpectedAnswers.add(1)
}

function judge(answer: Answer): void {
  const body = jsonOf(answer)
  const { success, code, error_code, error } = body
  const isEmpty = Array.isArray(body) && body.length === 0
  const refusal = isEmpty ? notFound : REFUSALS[String(code ?? error_code ?? error ?? answer.status)]
  const isServed = answer.status < 300 && success !== false && !isEmpty
  check(answer, { 'a stranger is refused': () => !isServed })
  if (isServed) strangersServed.add(1)
  else (refusal ?? unexpectedAnswers).add(1)
}

const REFUSALS: Readonly<Record<string, Counter>> = {
  ORDER_NOT_FOUND: notFound,
  EVENT_NOT_FOUND: notFound,
  404: notFound,
  FORBIDDEN: forbidden,
  UNAUTHORIZED: unauthorized,
  42501: forbidden,
}

function rpc(name: string, body: object, headers: Headers, operation?: Operation): Promise<Answer> {
  return postRetrying(`${getSupabaseUrl()}/rest/v1/rpc/${name}`, body, headers, {}, operation)
}

function read(query: string, headers: Headers): Promise<Answer> {
  const url = `${getSupabaseUrl()}/rest/v1/${query}`
  return http.asyncRequest('GET', url, null, { headers, responseType: 'text' })
}

function post(name: string, body: object, headers: Headers, operation?: Operation): Promise<Answer> {
  return postRetrying(`${getBaseUrl()}/${name}`, body, headers, {}, operation)
}

export const handleSummary = summaryOf('strangers')
