/**
 * Ten scanners at the doors. First each scans tickets of its own, as fast as it can: every one opens the gate, once; and
 * between them codes that nobody sold, which open nothing. Beside them ten gates are shown every kind of code that there is, good
 * ones at two gates at the same moment: each opens what it may, once, and is told by its own name otherwise. Then all ten scan one
 * and the same ticket at the same moment: it opens one gate, and nine say that it was already scanned.
 *
 *   eval "$(npx admit-once fixtures scanner-burst --data load-tests/data)" && k6 run load-tests/scenarios/scanner-burst.ts
 */
import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getHeaders, getSupabaseUrl, required } from '../helpers/auth.ts'
import { type Bearer, judgeCode } from '../helpers/gate.ts'
import { pause, post } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

interface Ticket {
  readonly id: string
}

/** What was made to be shown, and what the gates answer that it is shown to at once. */
interface DoorCode {
  readonly what: string
  readonly shown: string
  readonly bearer: Bearer
  readonly eventId?: string
  readonly answers: readonly string[]
}

const SCANNERS = 10
const UNKNOWN_EVERY = 4

const file = __ENV['TEST_TICKETS_FILE'] ?? '../data/test-tickets.json'
const tickets = new SharedArray<Ticket>('tickets', () => JSON.parse(open(file)).tickets)
const raceTicketId = required('RACE_TEST_TICKET_ID')
const scannerId = required('TEST_SCANNER_ID')
const headers = getHeaders(required('TEST_SCANNER_TOKEN'))
const pauseSeconds = Number(__ENV['SCAN_PAUSE_S'] ?? 0.1)

const scansEach = Math.floor(tickets.length / SCANNERS)
const codes: readonly DoorCode[] = JSON.parse(required('DOOR_CODES'))
const kinds = [...new Set(codes.map(({ what }) => what))]
const codesOf = (what: string) => codes.filter((code) => code.what === what).length

/** Each ticket, codes that nobody sold between them, every kind of code, and the race. */
const requests =
  Math.ceil(scansEach * SCANNERS * (1 + 1 / UNKNOWN_EVERY)) +
  codes.reduce((sum, { answers }) => sum + answers.length, 0) +
  SCANNERS

export const options: Options = {
  scenarios: {
    different: {
      executor: 'per-vu-iterations',
      exec: 'scanOwn',
      vus: SCANNERS,
      iterations: scansEach,
      maxDuration: lasting(120, requests),
    },
    kinds: {
      executor: 'per-vu-iterations',
      exec: 'showCode',
      vus: SCANNERS,
      iterations: Math.ceil(codes.length / SCANNERS),
      maxDuration: lasting(120, requests),
    },
    race: {
      executor: 'per-vu-iterations',
      exec: 'scanOneForAll',
      vus: SCANNERS,
      iterations: 1,
      startTime: __ENV['RACE_START'] ?? '5s',
      maxDuration: lasting(30, requests),
    },
  },
  thresholds: getThresholds('scanner-burst', {
    admitted: scansEach * SCANNERS,
    unknown_refused: Math.ceil((scansEach * SCANNERS) / UNKNOWN_EVERY),
    codes_judged: codes.length,
    ...Object.fromEntries(kinds.map((what) => [`codes_judged{what:${what}}`, codesOf(what)])),
  }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('scanner-burst', requests)

const admitted = new Counter('admitted')
const unknownRefused = new Counter('unknown_refused')
const freshRefused = new Counter('fresh_refused')
const codesJudged = new Counter('codes_judged')
/** Entries beside the first with one code. */
const duplicateEntries = new Counter('duplicate_entries')
const raceAdmitted = new Counter('race_admitted')
const raceRefused = new Counter('race_refused')
const unexpectedAnswers = new Counter('unexpected_answers')

export async function scanOwn(): Promise<void> {
  const ticket = tickets[exec.scenario.iterationInTest]
  if (ticket === undefined) throw new Error(`no ticket ${exec.scenario.iterationInTest}`)
  const scan = await scanTicket(ticket.id)
  check(scan, { 'a fresh ticket opens the gate': (seen) => seen === 'admitted' })
  if (scan === 'admitted') admitted.add(1)
  else if (scan === 'already scanned') freshRefused.add(1)
  else unexpectedAnswers.add(1)
  if (exec.scenario.iterationInTest % UNKNOWN_EVERY === 0) await scanUnknown()
  await pause(pauseSeconds)
}

/** A code that nobody sold. */
async function scanUnknown(): Promise<void> {
  const scan = await scanTicket(crypto.randomUUID())
  check(scan, { 'an unknown ticket opens nothing': (seen) => seen === 'unknown' })
  if (scan === 'unknown') unknownRefused.add(1)
  else unexpectedAnswers.add(1)
}

export async function showCode(): Promise<void> {
  const code = codes[exec.scenario.iterationInTest]
  if (code === undefined) return
  const device = `door-${exec.vu.idInTest}`
  const judgements = await Promise.all(
    code.answers.map(() => judgeCode(code.shown, device, code.bearer, code.eventId)),
  )
  const outcomes = judgements.map(({ outcome }) => outcome)
  const right = JSON.stringify([...outcomes].sort()) === JSON.stringify([...code.answers].sort())
  check(outcomes, { 'a code is judged as what it is': () => right })
  if (right) codesJudged.add(1, { what: code.what })
  else unexpectedAnswers.add(1, { what: code.what })
  duplicateEntries.add(Math.max(0, outcomes.filter((outcome) => outcome === 'ADMITTED').length - 1))
}

export async function scanOneForAll(): Promise<void> {
  const scan = await scanTicket(raceTicketId)
  check(scan, {
    'one opens the gate, the others are told': (seen) => seen === 'admitted' || seen === 'already scanned',
  })
  if (scan === 'admitted') raceAdmitted.add(1)
  else if (scan === 'already scanned') raceRefused.add(1)
  else unexpectedAnswers.add(1)
}

async function scanTicket(ticketId: string): Promise<'admitted' | 'already scanned' | 'unknown' | 'error'> {
  const device = `scanner-${exec.vu.idInTest}`
  const response = await post(
    `${getSupabaseUrl()}/rest/v1/rpc/scan_ticket_atomic`,
    { p_ticket_id: ticketId, p_scanned_by: scannerId, p_device_id: device, p_scan_method: 'qr' },
    headers,
    {},
    { operation: 'scan', asked: { ticket: ticketId, device } },
  )
  const rows = response.status === 200 ? (response.json() as unknown as ScanRow[]) : []
  if (rows[0]?.success === true) return 'admitted'
  if (rows[0]?.already_scanned === true) return 'already scanned'
  return rows[0]?.error_message?.includes('not found') === true ? 'unknown' : 'error'
}

interface ScanRow {
  readonly success: boolean
  readonly already_scanned: boolean
  readonly error_message: string | null
}

export const handleSummary = summaryOf('scanner-burst')
