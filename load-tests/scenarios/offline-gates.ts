/**
 * Five doors, each with a gate that has network and one that has lost it. Before that the gates fetched the list of tickets, and
 * somebody came in, and some were refunded, that those without network never heard of. They let in whom their list lets in (its
 * hashes: k6 cannot check the Ed25519 signature, as a real gate does besides), keep what they scanned, and send it when
 * they are back, and once more, because the answer may be lost. Tickets are shown at two gates. The earliest scan wins, but for
 * what a clock says that cannot be right, or cannot be read; every gate is told by whom it was beaten, and in the end all answers are
 * right. What is odd about a scan loses none: it is kept, in the name of who hands it in.
 *
 *   eval "$(npx admit-once fixtures offline-gates --data load-tests/data)" && k6 run load-tests/scenarios/offline-gates.ts
 */
import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getBaseUrl, getHeaders, required } from '../helpers/auth.ts'
import {
  codesIn,
  fetchGateList,
  gateCode,
  judgeCode,
  type OfflineScan,
  type SyncResult,
  syncScans,
} from '../helpers/gate.ts'
import { pause, postRetrying } from '../helpers/http.ts'
import {
  AT_TWO_DOORS,
  BEFORE_ONLINE,
  DOORS,
  ENTERED_BEFORE,
  ENTERED_SINCE,
  FAST_CLOCK,
  homeOf,
  KINDS,
  type Known,
  nextOf,
  type OfflineEntry,
  type QueuedTicket,
  REFUNDED_SINCE,
  SLOW_CLOCK,
  scansAt,
  TWICE_ONLINE,
} from '../helpers/offline.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'
import { microsOf } from '../helpers/time.ts'

const ONLINE: readonly number[] = [SLOW_CLOCK, TWICE_ONLINE, BEFORE_ONLINE, FAST_CLOCK]

const file = __ENV['TEST_TICKETS_FILE'] ?? '../data/test-tickets.json'
const tickets = new SharedArray<Ticket>('tickets', () => JSON.parse(open(file)).tickets)
const tokens = required('TEST_TICKET_TOKENS').split(',')
const codes = JSON.parse(required('DOOR_CODES')) as { readonly what: string; readonly shown: string }[]
const pauseSeconds = Number(__ENV['SCAN_PAUSE_S'] ?? 0.5)
const tens = Math.floor(Math.min(tickets.length, tokens.length) / KINDS)
const queue: readonly QueuedTicket[] = Array.from({ length: tens * KINDS }, (_, at) => {
  return { at, token: tokens[at] ?? '', code: tickets[at]?.qr_code ?? '' }
})
const ofKind = (kind: number) => queue.filter(({ at }) => at % KINDS === kind)

interface Ticket {
  readonly id: string
  readonly order_id: string
  readonly qr_code: string
}

/** Tickets at gates with network (one of ten at two of them) and before, the refund, the lists, and what gates send when they are back. */
const requests = (ONLINE.length + 3) * tens + 4 + 3 * DOORS

export const options: Options = {
  scenarios: {
    doors: { executor: 'per-vu-iterations', vus: DOORS, iterations: 1, maxDuration: lasting(280, requests) },
  },
  thresholds: getThresholds('offline-gates', {
    admitted_online: 6 * tens,
    refused_online: tens,
    opened_offline: 11 * tens,
    refused_offline: tens,
    scans_synced: 11 * tens,
    conflicts_resolved: 7 * tens,
    answers_repeated: 11 * tens,
    ties_won: tens,
    strangers_refused: 3 * DOORS,
  }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

const say = announce('offline-gates', requests)

const admittedOnline = new Counter('admitted_online')
const refusedOnline = new Counter('refused_online')
const openedOffline = new Counter('opened_offline')
const refusedOffline = new Counter('refused_offline')
/** Answers to the first sending that are right. */
const scansSynced = new Counter('scans_synced')
const conflictsResolved = new Counter('conflicts_resolved')
/** Answers to the last sending, when every gate was back, that are right. */
const answersRepeated = new Counter('answers_repeated')
const tiesWon = new Counter('ties_won')
const strangersRefused = new Counter('strangers_refused')
const unexpectedAnswers = new Counter('unexpected_answers')

export async function setup(): Promise<Known> {
  say()
  await Promise.all(ofKind(ENTERED_BEFORE).map(admit))
  const list = await fetchGateList()
  const entered = await Promise.all(ofKind(ENTERED_SINCE).map(admit))
  await refund(ofKind(REFUNDED_SINCE))
  const changes = await fetchGateList(list.cursor)
  expectListed(changes.tickets.used, [ENTERED_SINCE])
  expectListed(changes.tickets.gone, [REFUNDED_SINCE])
  return {
    valid: list.tickets.valid,
    listedAt: microsOf(list.signedAt),
    lostAt: microsOf(changes.signedAt),
    entered: Object.fromEntries(entered),
  }
}

async function admit({ at, token }: QueuedTicket): Promise<readonly [number, number]> {
  const { outcome, checkedInAt } = await judgeCode(token, 'early')
  verify(outcome === 'ADMITTED', 'who comes early is let in')
  admittedOnline.add(1)
  return [at, microsOf(checkedInAt)]
}

async function refund(queued: readonly QueuedTicket[]): Promise<void> {
  const key = required('SUPABASE_SERVICE_ROLE_KEY')
  const headers = { ...getHeaders(key), apikey: key }
  const ticketIds = queued.map(({ at }) => tickets[at]?.id)
  const orderId = tickets[queued[0]?.at ?? 0]?.order_id
  const response = await postRetrying(`${getBaseUrl()}/process-refund`, { orderId, ticketIds }, headers)
  verify(response.status === 200, 'tickets are refunded')
}

/** A list of changes has these kinds; it may have more, which were there before. */
function expectListed(list: string, kinds: readonly number[]): void {
  const listed = codesIn(list)
  const missing = queue.filter(({ at, code }) => kinds.includes(at % KINDS) && !listed.has(gateCode(code)))
  verify(missing.length === 0, 'what changed is in the list')
}

export default async function door(known: Known): Promise<void> {
  const here = exec.scenario.iterationInTest
  const entered = { ...known.entered, ...(await online(here)) }
  const { opened, refusals } = scansAt(here, queue, known)
  openedOffline.add(opened.length)
  refusedOffline.add(refusals)
  const strangers = strangersAt(here)
  const first = await syncScans([...opened, ...strangers])
  opened.forEach((scan, at) => {
    judge(scan, first[at], entered, scansSynced)
  })
  conflictsResolved.add(first.filter((result) => result.conflictResolved).length)
  const errors = first
    .slice(opened.length)
    .map(({ ticketId, error }) => (ticketId === null || error === 'WRONG_EVENT' ? error : ticketId))
  const areRefused = errors.join() === 'NOT_FOUND,UNREADABLE,WRONG_EVENT'
  verify(areRefused, 'what is nothing here is told so')
  if (areRefused) strangersRefused.add(strangers.length)
  // The answer was lost: all of it once more, the newest first.
  const again = await syncScans([...opened].reverse())
  opened.forEach((scan, at) => {
    judge(scan, again[opened.length - 1 - at], entered, undefined)
  })
}

/** Scans the door's own tickets, and the neighbour's that are shown at two gates; when each came in, in the order of coming. */
async function online(here: number): Promise<Record<number, number>> {
  const entered: Record<number, number> = {}
  for (const { at, token } of queue.filter((ticket) => ONLINE.includes(ticket.at % KINDS))) {
    const isHere = homeOf(at) === here || (at % KINDS === TWICE_ONLINE && nextOf(homeOf(at)) === here)
    if (!isHere) continue
    const { outcome, checkedInAt } = await judgeCode(token, `online-${here}`)
    const isRight = outcome === 'ADMITTED' || (outcome === 'ALREADY_USED' && at % KINDS === TWICE_ONLINE)
    verify(isRight, 'a gate with network opens, or says "already"')
    if (outcome === 'ADMITTED') entered[at] = microsOf(checkedInAt)
    if (isRight) (outcome === 'ADMITTED' ? admittedOnline : refusedOnline).add(1)
    await pause(pauseSeconds)
  }
  return entered
}

/** The neighbour's ticket, what is no code at all, and a ticket of another event of the house. */
function strangersAt(here: number): readonly OfflineScan[] {
  const scannedAt = new Date().toISOString()
  const deviceId = `offline-${here}`
  const shown = (kind: string) => codes.find(({ what }) => what === kind)?.shown ?? ''
  return [
    { code: shown('of-the-neighbour'), scannedAt, deviceId },
    { code: 'nonsense', scannedAt, deviceId },
    { code: shown('of-tomorrow'), scannedAt, deviceId, eventId: required('EVENT_ID') },
  ]
}

/** Is this what the gate must be told? `inTheEnd` when every other gate was back, too. */
function judge(
  scan: OfflineEntry,
  result: SyncResult | undefined,
  entered: Readonly<Record<number, number>>,
  right: Counter | undefined,
  inTheEnd = false,
): void {
  const at = result?.scannedAt == null ? 0 : microsOf(result.scannedAt)
  const winner = scan.winner ?? entered[scan.at]
  const isIn = result?.success === true && !result.alreadyScanned && at === scan.micros
  const isBeaten =
    result?.success === false && result.alreadyScanned && (winner === undefined || at === winner)
  // Until the other gate is back, nobody knows that this one is beaten.
  const isEarly = !inTheEnd && scan.at % KINDS === AT_TWO_DOORS
  const isRight =
    (scan.ends === 'in' && isIn) ||
    (scan.ends === 'beaten' && (isBeaten || (isEarly && isIn))) ||
    (scan.ends === 'either' && (isIn || isBeaten)) ||
    (scan.ends === 'refunded' && result?.success === false && result.error === 'INVALID_STATUS')
  const isSuspect =
    result?.clockSuspect === (scan.suspect === true) &&
    result.disbelieved.join() === (scan.disbelieved ?? '') &&
    (!isIn || result.scannedBy === required('TEST_SCANNER_ID'))
  verify(isRight && isSuspect, 'a gate that is back is told what became of its scan')
  if (isRight && isSuspect) right?.add(1)
  if (inTheEnd && scan.ends === 'either' && isIn) tiesWon.add(1)
}

/** When all are back: everything a last time, and the list that the gates fetch then. */
export async function teardown(known: Known): Promise<void> {
  for (let here = 0; here < DOORS; here++) {
    const { opened } = scansAt(here, queue, known)
    const results = await syncScans(opened)
    opened.forEach((scan, at) => {
      judge(scan, results[at], known.entered, answersRepeated, true)
    })
  }
  const list = await fetchGateList()
  expectListed(list.tickets.gone, [REFUNDED_SINCE])
  expectListed(
    list.tickets.used,
    Array.from({ length: KINDS }, (_, kind) => kind).filter((kind) => kind !== REFUNDED_SINCE),
  )
}

function verify(isRight: boolean, what: string): void {
  check(isRight, { [what]: () => isRight })
  if (!isRight) unexpectedAnswers.add(1)
}

export const handleSummary = summaryOf('offline-gates')
