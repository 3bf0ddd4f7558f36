/**
 * Fifty payments are reported within ten seconds, each of them more than once: every order gets its tickets, once, and
 * each further report is told that it was seen. Some reports are about nobody's order and are kept for a person to look at;
 * some are forged and leave nothing behind; some orders are at the same moment said to have expired, and the payment wins.
 *
 *   eval "$(npx admit-once fixtures webhook-burst --data load-tests/data)" && k6 run load-tests/scenarios/webhook-burst.ts
 */
import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import http, { type RefinedResponse } from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getBaseUrl, required } from '../helpers/auth.ts'
import { now, type Operation, record } from '../helpers/history.ts'
import { jsonOf, pause } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { type AwaitedOrder, sessionEvent, signatureOf } from '../helpers/stripe.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const events = Number(__ENV['EVENTS'] ?? 50)
const seconds = Number(__ENV['BURST_S'] ?? 10)

const UNMATCHED_EVERY = 10
const FORGED_EVERY = 10
const EXPIRED_EVERY = 5
/** Two copies at the same moment, and one for which the sender waited until the first was answered. */
const COPIES_AT_ONCE = 2

/** Every copy, some forged, some said to have expired; an arrival rate may start one more at its very end. */
const requests =
  (events + 1) * (COPIES_AT_ONCE + 1) +
  Math.ceil((events + 1) / FORGED_EVERY) +
  Math.ceil((events + 1) / EXPIRED_EVERY)

export const options: Options = {
  scenarios: {
    burst: {
      executor: 'constant-arrival-rate',
      rate: events,
      timeUnit: `${seconds}s`,
      duration: `${seconds}s`,
      preAllocatedVUs: events,
      gracefulStop: lasting(30, requests),
    },
  },
  thresholds: getThresholds('webhook-burst'),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('webhook-burst', requests)

const eventsProcessed = new Counter('events_processed')
const duplicatesAnswered = new Counter('duplicates_answered')
const ordersPaid = new Counter('orders_paid')
const expiriesSent = new Counter('expiries_sent')
const unmatchedKept = new Counter('unmatched_kept')
const forgedRefused = new Counter('forged_refused')
const unexpectedAnswers = new Counter('unexpected_answers')

const file = __ENV['WEBHOOK_ORDERS_FILE'] ?? '../data/webhook-orders.json'
const orders = new SharedArray<AwaitedOrder>('orders', () => JSON.parse(open(file)).orders)
const eventId = required('EVENT_ID')
const secret = required('STRIPE_WEBHOOK_SECRET')

/** Signatures are believed for five minutes. */
const OLD_MS = 20 * 60_000
const LATE_COPY_S = 0.05

export default async function reportPayment(): Promise<void> {
  const number = exec.scenario.iterationInTest
  const order = orders[number]
  const isOurs = order !== undefined && number % UNMATCHED_EVERY !== UNMATCHED_EVERY - 1
  const report = paymentOf(number, isOurs ? order : nobodys(number))
  if (number % FORGED_EVERY === 0) await sendForged(report, number / FORGED_EVERY)

  const payment = isOurs ? ({ operation: 'pay', asked: { order: order.order_id } } as const) : undefined
  const sends = Array.from({ length: COPIES_AT_ONCE }, () => sendReal(report, payment))
  if (isOurs && number % EXPIRED_EVERY === 0) sends.push(sendExpiry(number, order))
  const answers = (await Promise.all(sends)).slice(0, COPIES_AT_ONCE)
  await pause(LATE_COPY_S)
  answers.push(await sendReal(report, payment))
  judge(answers, isOurs)
}

/** Of all copies one had its effect, and every other one was told that it came again. */
function judge(answers: readonly RefinedResponse<'text'>[], isOurs: boolean): void {
  const received = answers.filter((answer) => answer.status === 200 && jsonOf(answer)['received'] === true)
  const duplicates = received.filter((answer) => jsonOf(answer)['duplicate'] === true)
  const once = received.length === answers.length && duplicates.length === answers.length - 1
  check(answers, { 'every copy is received, and one has an effect': () => once })
  duplicatesAnswered.add(duplicates.length)
  const counters = once ? [eventsProcessed, isOurs ? ordersPaid : unmatchedKept] : [unexpectedAnswers]
  for (const counter of counters) counter.add(1)
}

/** With somebody else's secret, without a signature, with one that is too old: in turn. */
async function sendForged(report: string, turn: number): Promise<void> {
  const old = new Date(Date.now() - OLD_MS)
  const signature = [
    signatureOf(report, 'whsec_of_somebody_else', new Date()),
    '',
    signatureOf(report, secret, old),
  ][turn % 3]
  const answer = await send(report, signature, http.expectedStatuses(400))
  check(answer, { 'a forged report is refused': ({ status }) => status === 400 })
  if (answer.status === 400) forgedRefused.add(1)
  else unexpectedAnswers.add(1)
}

async function sendExpiry(number: number, order: AwaitedOrder): Promise<RefinedResponse<'text'>> {
  const id = `evt_fixture_${eventId}_${number}_expired`
  const answer = await send(sessionEvent(id, 'checkout.session.expired', order, new Date()))
  if (answer.status === 200) expiriesSent.add(1)
  else unexpectedAnswers.add(1)
  return answer
}

/** That somebody's order is paid is an operation of the history; what is nobody's has no order to look at. */
async function sendReal(report: string, payment: Operation | undefined): Promise<RefinedResponse<'text'>> {
  const call = now()
  const answer = await send(report)
  if (payment !== undefined) record(payment, call, answer.status, () => jsonOf(answer))
  return answer
}

function send(
  report: string,
  signature = signatureOf(report, secret, new Date()),
  responseCallback = http.expectedStatuses(200),
): Promise<RefinedResponse<'text'>> {
  const headers = {
    'Content-Type': 'application/json',
    ...(signature === '' ? {} : { 'stripe-signature': signature }),
  }
  return http.asyncRequest('POST', `${getBaseUrl()}/stripe-webhook`, report, {
    headers,
    responseType: 'text',
    responseCallback,
    tags: { operation: 'stripe-webhook' },
  })
}

function paymentOf(number: number, order: AwaitedOrder): string {
  const id = `evt_fixture_${eventId}_${number}`
  return sessionEvent(id, 'checkout.session.completed', order, new Date())
}

/** An order that no box office knows; the names let `fixtures --remove` find what is kept of it. */
function nobodys(number: number): AwaitedOrder {
  return {
    order_id: crypto.randomUUID(),
    session_id: `cs_test_fixture_${eventId}_${number}_nobody`,
    payment_intent: `pi_fixture_${eventId}_${number}_nobody`,
    amount_cents: 1000,
    currency: 'eur',
  }
}

export const handleSummary = summaryOf('webhook-burst')
