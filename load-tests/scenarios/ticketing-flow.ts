/**
 * Guests come in growing numbers, 10, then 50, then 100 at a time; each orders under an Idempotency-Key, pauses, and asks
 * how the order stands. Some press the button twice at the same moment and again later, and own one order all the same;
 * some use their key for another order, and are refused.
 *
 *   eval "$(npx admit-once fixtures ticketing-flow)" && k6 run load-tests/scenarios/ticketing-flow.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http, { type RefinedResponse } from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getBaseUrl, getHeaders, getSupabaseUrl, required } from '../helpers/auth.ts'
import type { Operation } from '../helpers/history.ts'
import { jsonOf, pause, postRetrying } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const rampSeconds = Number(__ENV['RAMP_S'] ?? 70)
const share = (part: number) => `${Math.round((rampSeconds * 1000 * part) / 7)}ms`

/** Without a pause nobody could say how many guests there will be. */
const pauseSeconds = Math.max(0.05, Number(__ENV['PAUSE_S'] ?? 2))

const TWICE_EVERY = 3
const REUSED_EVERY = 4

/** The area under the ramp: a guest who comes as another leaves, after a pause that is as long as PAUSE_S on average. */
const guests =
  ((rampSeconds / 7) * (0.5 * (1 + 10) + 1.5 * (10 + 50) + 1.5 * (50 + 100))) / pauseSeconds + 100
/** An order and how it stands; some are repeated twice, some keys used again; and the end. */
const requests = guests * (2 + 2 / TWICE_EVERY + 1 / REUSED_EVERY) + 2

export const options: Options = {
  scenarios: {
    flow: {
      executor: 'ramping-vus',
      startVUs: 1,
      stages: [
        { duration: share(1), target: 10 },
        { duration: share(3), target: 50 },
        { duration: share(3), target: 100 },
      ],
      gracefulStop: lasting(30, 100 * 5),
      gracefulRampDown: lasting(30, 100 * 5),
    },
  },
  thresholds: getThresholds('ticketing-flow'),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('ticketing-flow', requests)

const ordersPlaced = new Counter('orders_placed')
const soldOutAnswers = new Counter('sold_out_answers')
const repeatsAnswered = new Counter('repeats_answered')
const reusedKeysRefused = new Counter('reused_keys_refused')
const oversellDetected = new Counter('oversell_detected')
const serverErrors = new Counter('server_errors')
const unexpectedAnswers = new Counter('unexpected_answers')

const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')
const headers = getHeaders()

// Sold out and a reused key are answers; anything else but success is a failed request.
http.setResponseCallback(http.expectedStatuses(200, 409, 422))

export default async function order(): Promise<void> {
  const key = crypto.randomUUID()
  const turn = exec.scenario.iterationInTest
  const isTwice = turn % TWICE_EVERY === 0
  const answers = await Promise.all([checkout(key, 1), ...(isTwice ? [checkout(key, 1)] : [])])
  const [first] = answers.map(jsonOf)
  if (answers.every(isSoldOut)) return soldOutAnswers.add(1)
  const placed = answers.every(({ status }) => status === 200) && first !== undefined
  check(answers, { 'an order, or told that it is sold out': () => placed })
  if (!placed) return unexpectedAnswers.add(1)
  ordersPlaced.add(1)
  await pause(pauseSeconds * (0.5 + Math.random()))
  if (isTwice) judgeRepeats(first, [...answers, await checkout(key, 1)])
  if (turn % REUSED_EVERY === 0) judgeReuse(await checkout(key, 2))
  await judgeStatus(first)
}

/** One more than all that there are would be seen as less than nothing left. */
export async function teardown(): Promise<void> {
  const rpc = `${getSupabaseUrl()}/rest/v1/rpc`
  const probe = await postRetrying(
    `${rpc}/reserve_tickets_atomically`,
    { p_tier_id: tierId, p_quantity: 1 },
    headers,
    {},
    { operation: 'reserve', asked: { event: eventId, tiers: { [tierId]: 1 } } },
  )
  const { remaining, available, session_id: sessionId } = jsonOf(probe)
  if (Number(remaining ?? available) < 0) oversellDetected.add(1)
  if (sessionId === undefined) return
  const asked = { event: eventId, session: String(sessionId) }
  const putBack = { operation: 'release', asked } as const
  await postRetrying(`${rpc}/release_ticket_holds`, { p_session_id: sessionId }, headers, {}, putBack)
}

function judgeRepeats(first: Record<string, unknown>, answers: readonly RefinedResponse<'text'>[]): void {
  const ids = answers.map((answer) => jsonOf(answer)['order_id'])
  const same = check(ids, {
    'a repeat gets what the first call won': () => ids.every((id) => id === first['order_id']),
  })
  if (same) repeatsAnswered.add(ids.length - 1)
  else unexpectedAnswers.add(1)
}

function judgeReuse(answer: RefinedResponse<'text'>): void {
  const refused = check(answer, { 'a key is good for one order': ({ status }) => status === 422 })
  if (refused) reusedKeysRefused.add(1)
  else unexpectedAnswers.add(1)
}

async function judgeStatus(placed: Record<string, unknown>): Promise<void> {
  const sessionId = placed['checkout_session_id']
  const answer = await post('checkout-session-status', { sessionId }, headers)
  const { status, pricing } = jsonOf(answer) as { status?: string; pricing?: { totalCents?: number } }
  const total = (placed['pricing'] as { total_cents?: number }).total_cents
  const stands = check(answer, {
    'the order waits for its payment': () => status === 'pending' && pricing?.totalCents === total,
  })
  if (!stands) unexpectedAnswers.add(1)
}

function checkout(key: string, quantity: number): Promise<RefinedResponse<'text'>> {
  const buyer = exec.vu.idInTest
  return post(
    'enhanced-checkout',
    {
      eventId,
      ticketSelections: [{ tierId, quantity }],
      contact: { name: `Guest ${buyer}`, email: `guest-${buyer}@example.org` },
    },
    { ...headers, 'Idempotency-Key': key },
    { operation: 'checkout', key, asked: { event: eventId, tiers: { [tierId]: quantity } } },
  )
}

async function post(name: string, body: unknown, with_: Record<string, string>, operation?: Operation) {
  const params = { tags: { operation: name } }
  const response = await postRetrying(`${getBaseUrl()}/${name}`, body, with_, params, operation)
  if (response.status === 500) serverErrors.add(1)
  return response
}

function isSoldOut(answer: RefinedResponse<'text'>): boolean {
  return answer.status === 409 && jsonOf(answer)['error_code'] === 'INSUFFICIENT_INVENTORY'
}

export const handleSummary = summaryOf('ticketing-flow')
