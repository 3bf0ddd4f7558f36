/**
 * Twenty managers have the dashboard of one event open, subscribed to what changes, while five tills sell: each dashboard is there
 * within three seconds, every sale reaches every dashboard, within a tenth of a second, and the door's staff, who may not know, is not
 * told.
 *
 *   eval "$(npx admit-once fixtures dashboard-load)" && k6 run load-tests/scenarios/dashboard-load.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import http, { type RefinedResponse } from 'k6/http'
import { Counter, Trend } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getBaseUrl, getHeaders, getSupabaseUrl, required } from '../helpers/auth.ts'
import { jsonOf, pause, postRetrying } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { type Change, subscribe } from '../helpers/realtime.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'
import { orLate } from '../helpers/time.ts'

const tokens = required('TEST_MANAGER_TOKENS').split(',')
const buyerToken = required('TEST_USER_TOKEN')
const doorToken = required('TEST_SCANNER_TOKEN')
const businessId = required('TEST_BUSINESS_ID')
const eventId = required('EVENT_ID')
const tierId = required('TIER_ID')

/** So many dashboards have a till beside them. */
const tills = Number(__ENV['TILLS'] ?? 5)
/** Of each till. */
const sales = Number(__ENV['SALES'] ?? 10)
const pauseS = Number(__ENV['SALE_PAUSE_S'] ?? 1)
const allSales = tills * sales

/** A dashboard that is not there by then, or has not heard of every sale so long after the last one, never will. */
const waitS = Number(__ENV['WAIT_S'] ?? 30)

/** Three that a dashboard reads, and what the tills sell. */
const requests = 3 * tokens.length + allSales

export const options: Options = {
  scenarios: {
    watch: {
      executor: 'per-vu-iterations',
      vus: tokens.length,
      iterations: 1,
      maxDuration: lasting(600, requests),
    },
  },
  thresholds: getThresholds('dashboard-load', {
    dashboards_loaded: tokens.length,
    sales_made: allSales,
    sales_seen: allSales * tokens.length,
  }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('dashboard-load', requests)

/** Until nothing is missed any more and everything is read; the turns that RATE makes requests wait for are no part of it. */
const dashboardLoad = new Trend('dashboard_load', true)
/** From the answer to a till until its own dashboard hears of the sale; 0 where that was first. */
const updateFromAnswer = new Trend('update_from_answer', true)
/** From the commit, by the database's clock, until any dashboard hears of a sale, by ours. */
const updateFromCommit = new Trend('update_from_commit', true)
const dashboardsLoaded = new Counter('dashboards_loaded')
const salesMade = new Counter('sales_made')
/** Each sale once a dashboard, read or heard of. */
const salesSeen = new Counter('sales_seen')
const updatesHeard = new Counter('updates_heard')
const strangersSubscribed = new Counter('strangers_subscribed')
const strangersTold = new Counter('strangers_told')
const unexpectedAnswers = new Counter('unexpected_answers')

type Headers = Record<string, string>
type Row = Readonly<Record<string, unknown>>

const ORDERS = { event: '*', table: 'orders', filter: `event_id=eq.${eventId}` } as const
const TIERS = { event: 'UPDATE', table: 'ticket_tiers', filter: `event_id=eq.${eventId}` } as const

export default async function watch(): Promise<void> {
  const viewer = exec.scenario.iterationInTest
  const token = tokens[viewer] ?? ''
  const board = createBoard()
  const startedMs = Date.now()
  const channel = subscribe(token, [ORDERS, TIERS], board.hear)
  const stranger = viewer === 0 ? await subscribeStranger() : undefined
  // Subscribed first and read then, a dashboard misses nothing between.
  const isJoined = (await orLate(channel.joined, waitS)) === true
  const joinMs = Date.now() - startedMs
  const readMs = isJoined ? await read(getHeaders(token), board) : undefined
  if (readMs !== undefined) {
    dashboardLoad.add(joinMs + readMs)
    dashboardsLoaded.add(1)
    if (viewer < tills) await sellAll(board)
    await orLate(board.complete, sales * pauseS * 2 + waitS)
  }
  salesSeen.add(board.seen())
  channel.leave()
  stranger?.leave()
}

/** What one dashboard shows: the sales that it read or heard of. */
function createBoard() {
  const seen = new Set<string>()
  const heardMs = new Map<string, number>()
  const answeredMs = new Map<string, number>()
  let finish: () => void = () => undefined
  const complete = new Promise<void>((resolve) => {
    finish = resolve
  })
  const see = ({ id, status, customer_email }: Row) => {
    if (status !== 'paid' || !String(customer_email).startsWith('till-')) return false
    seen.add(String(id))
    if (seen.size === allSales) finish()
    return true
  }
  const measure = (id: string) => {
    const [answered, heard] = [answeredMs.get(id), heardMs.get(id)]
    if (answered !== undefined && heard !== undefined) updateFromAnswer.add(Math.max(0, heard - answered))
  }
  return {
    complete,
    seen: () => seen.size,
    read: (rows: readonly Row[]) => rows.forEach(see),
    hear({ table, record, commit_timestamp }: Change) {
      const id = String(record['id'])
      if (table !== 'orders' || heardMs.has(id) || !see(record)) return
      heardMs.set(id, Date.now())
      updatesHeard.add(1)
      updateFromCommit.add(Date.now() - Date.parse(commit_timestamp))
      measure(id)
    },
    answer(id: string) {
      answeredMs.set(id, Date.now())
      measure(id)
    },
  }
}

type Board = ReturnType<typeof createBoard>

/**
 * What a dashboard shows at first: the house's events with their tiers, this event's orders with what they hold, and how many. Gives
 * the milliseconds of the slowest answer.
 */
async function read(headers: Headers, board: Board): Promise<number | undefined> {
  const answers = await Promise.all([
    get(
      `events?business_id=eq.${businessId}&select=id,title,start_at,status,ticket_tiers(id,name,price_cents,total_quantity,sold_quantity,reserved_quantity)&order=start_at.desc&limit=10`,
      headers,
    ),
    get(
      `orders?event_id=eq.${eventId}&select=id,status,total_cents,currency,customer_name,customer_email,created_at,order_items(tier_id,quantity)&order=created_at.desc&limit=1000`,
      headers,
    ),
    get(
      `scan_logs?event_id=eq.${eventId}&select=id,scan_success,scanned_at&order=scanned_at.desc&limit=50`,
      headers,
    ),
  ])
  const [events, orders] = answers.map((answer) => rowsOf(answer))
  const isRead = check(answers, {
    'a dashboard is read': (all) => all.every(({ status }) => status === 200 || status === 206),
    'with its event, tier and orders': () =>
      tiersOf(events).length > 0 && orders !== undefined && orders.length > 0,
    'counted, and all of them': () => Number(countOf(answers[1])) === orders?.length,
  })
  board.read(orders ?? [])
  if (isRead) return Math.max(...answers.map(({ timings }) => timings.blocked + timings.duration))
  unexpectedAnswers.add(1)
  return undefined
}

function get(query: string, headers: Headers): Promise<RefinedResponse<'text'>> {
  return http.asyncRequest('GET', `${getSupabaseUrl()}/rest/v1/${query}`, null, {
    headers: { ...headers, Prefer: 'count=exact' },
    tags: { name: query.replace(/\?.*/, '') },
    responseType: 'text',
  })
}

function rowsOf(answer: RefinedResponse<'text'>): readonly Row[] {
  const rows: unknown = jsonOf(answer)
  return Array.isArray(rows) ? rows : []
}

function tiersOf(events: readonly Row[] = []): readonly unknown[] {
  const tiers = events.find(({ id }) => id === eventId)?.['ticket_tiers']
  return Array.isArray(tiers) ? tiers : []
}

/** The number behind the slash of `0-9/123`. */
function countOf(answer: RefinedResponse<'text'> | undefined): string | undefined {
  return answer?.headers['Content-Range']?.split('/')[1]
}

async function sellAll(board: Board): Promise<void> {
  for (let sale = 0; sale < sales; sale++) {
    await pause(pauseS * 2 * Math.random())
    await sell(board)
  }
}

async function sell(board: Board): Promise<void> {
  const key = crypto.randomUUID()
  const response = await postRetrying(
    `${getBaseUrl()}/create-ticket-checkout`,
    {
      eventId,
      items: [{ tierId, quantity: 1 }],
      customerName: 'A guest at the till',
      customerEmail: `till-${crypto.randomUUID()}@example.org`,
    },
    { ...getHeaders(buyerToken), 'Idempotency-Key': key },
    {},
    { operation: 'checkout', key, asked: { event: eventId, tiers: { [tierId]: 1 } } },
  )
  const { success, orderId } = jsonOf(response)
  if (success !== true) return unexpectedAnswers.add(1)
  salesMade.add(1)
  board.answer(String(orderId))
}

/** Row level security: the door's staff may subscribe to the orders, and hears of none. */
async function subscribeStranger() {
  const stranger = subscribe(doorToken, [ORDERS], () => strangersTold.add(1))
  if (await orLate(stranger.joined, waitS)) strangersSubscribed.add(1)
  return stranger
}

export const handleSummary = summaryOf('dashboard-load')
