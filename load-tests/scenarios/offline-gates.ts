/**
 * Five doors, each with a gate that has network and one that has lost it. Before that the gates fetched the list of tickets, and
 * somebody came in, and some were refunded, that those without network never heard of. They let in whom their list lets in (its
 * hashes: k6 cannot check the Ed25519 signature, as a real gate does besides), keep what they scanned, and send it when
 * they are back, and once more, because the answer may be lost. Tickets are shown at two gates. The earliest scan wins, but for
 * what a clock says that cannot be right; every gate is told by whom it was beaten, and in the end all answers are right.
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
import { codesIn, fetchGateList, gateCode, judgeCode } from '../helpers/gate.ts'
import { jsonOf, pause, postRetrying } from '../helpers/http.ts'
import { summarize, TREND_STATS } from '../helpers/summary.ts'

const DOORS = 5
/** Of ten tickets … */
const KINDS = 10
/** … these come in through a gate with network, the second one at two of them, */
const [SLOW_CLOCK, TWICE_ONLINE, BEFORE_ONLINE, FAST_CLOCK] = [0, 1, 5, 7]
/** these through gates without, the first two at two of them, the third at the same instant, */
const [TWICE_AT_ONE_DOOR, AT_TWO_DOORS, AT_ONE_INSTANT] = [2, 3, 4]
/** and these came in, or were refunded, after the list was made or before. */
const [ENTERED_SINCE, REFUNDED_SINCE, ENTERED_BEFORE] = [6, 8, 9]
const ONLINE: readonly number[] = [SLOW_CLOCK, TWICE_ONLINE, BEFORE_ONLINE, FAST_CLOCK]

const file = __ENV['TEST_TICKETS_FILE'] ?? '../data/test-tickets.json'
const tickets = new SharedArray<Ticket>('tickets', () => JSON.parse(open(file)).tickets)
const tokens = required('TEST_TICKET_TOKENS').split(',')
const codes = JSON.parse(required('DOOR_CODES')) as { readonly what: string; readonly shown: string }[]
const pauseSeconds = Number(__ENV['SCAN_PAUSE_S'] ?? 0.5)
const tens = Math.floor(Math.min(tickets.length, tokens.length) / KINDS)
const all = Array.from({ length: tens * KINDS }, (_, at) => at)

interface Ticket {
  readonly id: string
  readonly order_id: string
  /** As a gate without network reads it out of the token. */
  readonly qr_code: string
}

export const options: Options = {
  scenarios: {
    doors: { executor: 'per-vu-iterations', vus: DOORS, iterations: 1, maxDuration: '280s' },
  },
  thresholds: getThresholds('offline-gates', {
    admitted_online: 6 * tens,
    refused_online: tens,
    opened_offline: 11 * tens,
    refused_offline: tens,
    scans_synced: 11 * tens,
    conflicts_told: 7 * tens,
    answers_repeated: 11 * tens,
    ties_won: tens,
    strangers_refused: 3 * DOORS,
  }),
  summaryTrendStats: TREND_STATS,
}

const admittedOnline = new Counter('admitted_online')
const refusedOnline = new Counter('refused_online')
const openedOffline = new Counter('opened_offline')
const refusedOffline = new Counter('refused_offline')
/** Answers to the first sending that are right. */
const scansSynced = new Counter('scans_synced')
const conflictsTold = new Counter('conflicts_told')
/** Answers to the last sending, when every gate was back, that are right. */
const answersRepeated = new Counter('answers_repeated')
const tiesWon = new Counter('ties_won')
const strangersRefused = new Counter('strangers_refused')
const unexpectedAnswers = new Counter('unexpected_answers')

/** What gates without network know. Times in microseconds, by the server's clock. */
interface Known {
  readonly valid: string
  readonly listedAt: number
  /** Later than all that came in since the list was made. */
  readonly lostAt: number
  /** When they did, by ticket. */
  readonly entered: Readonly<Record<number, number>>
}

export async function setup(): Promise<Known> {
  await Promise.all(all.filter((at) => at % KINDS === ENTERED_BEFORE).map(admit))
  const list = await fetchGateList()
  const entered = await Promise.all(all.filter((at) => at % KINDS === ENTERED_SINCE).map(admit))
  await refund(all.filter((at) => at % KINDS === REFUNDED_SINCE))
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

async function admit(at: number): Promise<readonly [number, number]> {
  const { outcome, checkedInAt } = await judgeCode(tokens[at] ?? '', 'early')
  expected(outcome === 'ADMITTED', 'who comes early is let in')
  admittedOnline.add(1)
  return [at, microsOf(checkedInAt)]
}

async function refund(refunded: readonly number[]): Promise<void> {
  const key = required('SUPABASE_SERVICE_ROLE_KEY')
  const headers = { ...getHeaders(key), apikey: key }
  const ticketIds = refunded.map((at) => tickets[at]?.id)
  const orderId = tickets[refunded[0] ?? 0]?.order_id
  const response = await postRetrying(`${getBaseUrl()}/process-refund`, { orderId, ticketIds }, headers)
  expected(response.status === 200, 'tickets are refunded')
}

/** A list of changes has these kinds; it may have more, which were there before. */
function expectListed(list: string, kinds: readonly number[]): void {
  const listed = codesIn(list)
  const missing = all.filter(
    (at) => kinds.includes(at % KINDS) && !listed.has(gateCode(tickets[at]?.qr_code ?? '')),
  )
  expected(missing.length === 0, 'what changed is in the list')
}

export default async function door(known: Known): Promise<void> {
  const here = exec.scenario.iterationInTest
  const entered = { ...known.entered, ...(await online(here)) }
  const scans = offline(here, known)
  const strangers = strangersAt(here)
  const first = await send([...scans, ...strangers])
  scans.forEach((scan, at) => {
    judge(scan, first[at], entered, scansSynced)
  })
  conflictsTold.add(first.filter((result) => result.conflictResolved).length)
  const errors = first.slice(scans.length).map(({ ticketId, error }) => (ticketId === null ? error : 'told'))
  expected(errors.join() === 'NOT_FOUND,NOT_FOUND,FORBIDDEN', 'what is nothing here is told so')
  if (errors.join() === 'NOT_FOUND,NOT_FOUND,FORBIDDEN') strangersRefused.add(strangers.length)
  // The answer was lost: all of it once more, the newest first.
  const again = await send([...scans].reverse())
  scans.forEach((scan, at) => {
    judge(scan, again[scans.length - 1 - at], entered, undefined)
  })
}

/** Scans the door's own tickets, and the neighbour's that are shown at two gates; when each came in, in the order of coming. */
async function online(here: number): Promise<Record<number, number>> {
  const entered: Record<number, number> = {}
  for (const at of all.filter((ticket) => ONLINE.includes(ticket % KINDS))) {
    const isShown = homeOf(at) === here || (at % KINDS === TWICE_ONLINE && nextOf(homeOf(at)) === here)
    if (!isShown) continue
    const { outcome, checkedInAt } = await judgeCode(tokens[at] ?? '', `online-${here}`)
    const isRight = outcome === 'ADMITTED' || (outcome === 'ALREADY_USED' && at % KINDS === TWICE_ONLINE)
    expected(isRight, 'a gate with network opens, or says "already"')
    if (outcome === 'ADMITTED') entered[at] = microsOf(checkedInAt)
    if (isRight) (outcome === 'ADMITTED' ? admittedOnline : refusedOnline).add(1)
    await pause(pauseSeconds)
  }
  return entered
}

function homeOf(at: number): number {
  return Math.floor(at / KINDS) % DOORS
}

function nextOf(here: number): number {
  return (here + 1) % DOORS
}

/** A scan that a gate made without network. */
interface Shown extends OfflineScan {
  readonly at: number
  readonly micros: number
  /** Who is inside in the end: this one, another one, whoever came back first, or nobody. */
  readonly ends: 'in' | 'beaten' | 'either' | 'refunded'
  /** When the one that beats it was made; undefined where an online gate knows. */
  readonly winner?: number
  /** The gate's clock says what cannot be. */
  readonly suspect?: true
}

/** What the gate without network scanned, the same each time it is asked; every other gate sends its newest scan first. */
function offline(here: number, known: Known, counts = true): readonly Shown[] {
  const valid = codesIn(known.valid)
  const scans: Shown[] = []
  for (const at of all) {
    const shown = shownAt(at, here, known)
    const opens = valid.has(gateCode(tickets[at]?.qr_code ?? ''))
    if (counts) (opens ? openedOffline : refusedOffline).add(shown.length)
    if (opens) scans.push(...shown)
  }
  return here % 2 === 1 ? scans.reverse() : scans
}

const MS = 1000
const HOUR = 3_600_000 * MS
/** Before the ticket was sold. */
const DAYS_SLOW = 60

function shownAt(at: number, here: number, { listedAt, lostAt, entered }: Known): readonly Shown[] {
  const scan = (micros: number, ends: Shown['ends'], more: Partial<Shown> = {}): Shown => {
    return {
      ...{ at, code: tokens[at] ?? '', micros, scannedAt: timeOf(micros), deviceId: `offline-${here}`, ends },
      ...more,
    }
  }
  const [early, middle, late] = [listedAt + 0.1 * MS, listedAt + 0.5 * MS, listedAt + 0.9 * MS].map(
    Math.round,
  ) as [number, number, number]
  const kind = at % KINDS
  if (nextOf(homeOf(at)) === here) {
    if (kind === AT_TWO_DOORS) return [scan(late, 'beaten', { winner: early })]
    return kind === AT_ONE_INSTANT ? [scan(middle, 'either', { winner: middle })] : []
  }
  if (homeOf(at) !== here) return []
  switch (kind) {
    case SLOW_CLOCK:
      return [scan(listedAt - DAYS_SLOW * 24 * HOUR, 'beaten', { suspect: true })]
    case FAST_CLOCK:
      return [scan(listedAt + HOUR, 'beaten', { suspect: true })]
    case TWICE_AT_ONE_DOOR:
      return [scan(late, 'beaten', { winner: early, deviceId: `offline-${here} beside` }), scan(early, 'in')]
    case AT_ONE_INSTANT:
      return [scan(middle, 'either', { winner: middle })]
    case ENTERED_SINCE:
      return [scan(lostAt, 'beaten', { winner: entered[at] ?? 0 })]
    case REFUNDED_SINCE:
      return [scan(early, 'refunded')]
    case TWICE_ONLINE:
      return []
    default:
      return [scan(early, 'in')]
  }
}

/** The neighbour's ticket, what is no code at all, and a scan in somebody else's name. */
function strangersAt(here: number): readonly OfflineScan[] {
  const scannedAt = new Date().toISOString()
  const deviceId = `offline-${here}`
  const code = codes.find(({ what }) => what === 'of-the-neighbour')?.shown ?? ''
  return [
    { code, scannedAt, deviceId },
    { code: 'nonsense', scannedAt, deviceId },
    { code: tokens[0] ?? '', scannedAt, deviceId, scannedBy: crypto.randomUUID() },
  ]
}

/** Is this what the gate must be told? `inTheEnd` when every other gate was back, too. */
function judge(
  scan: Shown,
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
  const isSuspect = result?.clockSuspect === (scan.suspect === true)
  expected(isRight && isSuspect, 'a gate that is back is told what became of its scan')
  if (isRight && isSuspect) right?.add(1)
  if (inTheEnd && scan.ends === 'either' && isIn) tiesWon.add(1)
}

interface OfflineScan {
  readonly code: string
  readonly scannedAt: string
  readonly deviceId: string
  readonly scannedBy?: string
}

interface SyncResult {
  readonly ticketId: string | null
  readonly success: boolean
  readonly conflictResolved: boolean
  readonly alreadyScanned: boolean
  readonly scannedAt: string | null
  readonly clockSuspect: boolean
  readonly error: string | null
}

async function send(scans: readonly OfflineScan[]): Promise<readonly SyncResult[]> {
  const response = await postRetrying(
    `${getBaseUrl()}/sync-offline-scans`,
    {
      scans: scans.map(({ code, scannedAt, deviceId, scannedBy }) => ({
        code,
        scannedAt,
        deviceId,
        scannedBy,
      })),
      businessId: required('TEST_BUSINESS_ID'),
    },
    getHeaders(required('TEST_SCANNER_TOKEN')),
  )
  return response.status === 200 ? (jsonOf(response)['results'] as SyncResult[]) : []
}

/** When all are back: everything a last time, and the list that the gates fetch then. */
export async function teardown(known: Known): Promise<void> {
  for (let here = 0; here < DOORS; here++) {
    const scans = offline(here, known, false)
    const results = await send(scans)
    scans.forEach((scan, at) => {
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

function expected(isRight: boolean, what: string): void {
  check(isRight, { [what]: () => isRight })
  if (!isRight) unexpectedAnswers.add(1)
}

/** Microseconds since 1970 of a time with up to six digits behind the second. */
function microsOf(time: string): number {
  const fraction = /\.(\d{1,6})/.exec(time)?.[1] ?? ''
  return Date.parse(time.replace(/\.\d+/, '')) * MS + Number(fraction.padEnd(6, '0'))
}

function timeOf(micros: number): string {
  const seconds = Math.floor(micros / (1000 * MS))
  const fraction = String(micros - seconds * 1000 * MS).padStart(6, '0')
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}

export function handleSummary(data: Parameters<typeof summarize>[1]) {
  return summarize('offline-gates', data)
}
