/**
 * Ten scanners at the doors. First each scans tickets of its own, as fast as it can: every one opens the gate, once; and
 * between them codes that nobody sold, which open nothing. Then all ten scan one and the same ticket at the same moment: it
 * opens one gate, and nine say that it was already scanned.
 *
 *   eval "$(npx admit-one fixtures scanner-burst --data load-tests/data)" && k6 run load-tests/scenarios/scanner-burst.ts
 */
import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getHeaders, getSupabaseUrl, required } from '../helpers/auth.ts'
import { pause } from '../helpers/http.ts'
import { summarize, TREND_STATS } from '../helpers/summary.ts'

interface Ticket {
  readonly id: string
}

const SCANNERS = 10
const UNKNOWN_EVERY = 4

const file = __ENV['TEST_TICKETS_FILE'] ?? '../data/test-tickets.json'
const tickets = new SharedArray<Ticket>('tickets', () => JSON.parse(open(file)).tickets)
const raceTicketId = required('RACE_TEST_TICKET_ID')
const scannerId = required('TEST_SCANNER_ID')
const headers = getHeaders(required('TEST_SCANNER_TOKEN'))
const pauseSeconds = Number(__ENV['SCAN_PAUSE_S'] ?? 0.1)

export const options: Options = {
  scenarios: {
    different: {
      executor: 'per-vu-iterations',
      exec: 'scanOwn',
      vus: SCANNERS,
      iterations: Math.floor(tickets.length / SCANNERS),
      maxDuration: '120s',
    },
    race: {
      executor: 'per-vu-iterations',
      exec: 'scanOneForAll',
      vus: SCANNERS,
      iterations: 1,
      startTime: __ENV['RACE_START'] ?? '5s',
      maxDuration: '30s',
    },
  },
  thresholds: getThresholds('scanner-burst'),
  summaryTrendStats: TREND_STATS,
}

const admitted = new Counter('admitted')
const unknownRefused = new Counter('unknown_refused')
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
  else if (scan === 'already scanned') duplicateEntries.add(1)
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
  const response = await http.asyncRequest(
    'POST',
    `${getSupabaseUrl()}/rest/v1/rpc/scan_ticket_atomic`,
    JSON.stringify({
      p_ticket_id: ticketId,
      p_scanned_by: scannerId,
      p_device_id: `scanner-${exec.vu.idInTest}`,
      p_scan_method: 'qr',
    }),
    { headers, responseType: 'text' },
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

export function handleSummary(data: Parameters<typeof summarize>[1]) {
  return summarize('scanner-burst', data)
}
