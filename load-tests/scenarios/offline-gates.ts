/**
 * Ten scanners at the doors, half of them without network: those open for every ticket that they have not seen themselves,
 * keep the scans, and send them when they are back, twice, because the first answer may be lost. Some tickets are shown at two
 * gates. No ticket enters twice through gates that are online, and every entry too many is reported with both scans.
 *
 *   eval "$(npx admit-one fixtures offline-gates --data load-tests/data)" && k6 run load-tests/scenarios/offline-gates.ts
 */
import { check } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { getBaseUrl, getHeaders, required } from '../helpers/auth.ts'
import { scanCode } from '../helpers/gate.ts'
import { jsonOf, pause, postRetrying } from '../helpers/http.ts'
import { summarize, TREND_STATS } from '../helpers/summary.ts'

const GATES = 5
const file = __ENV['TEST_TICKETS_FILE'] ?? '../data/test-tickets.json'
const tickets = new SharedArray<{ readonly id: string }>('tickets', () => JSON.parse(open(file)).tickets)
const tokens = required('TEST_TICKET_TOKENS').split(',')
const pauseSeconds = Number(__ENV['SCAN_PAUSE_S'] ?? 0.5)

const eachGateOnce = {
  executor: 'per-vu-iterations',
  vus: GATES,
  iterations: 1,
  maxDuration: '280s',
} as const

export const options: Options = {
  scenarios: { online: { ...eachGateOnce, exec: 'online' }, offline: { ...eachGateOnce, exec: 'offline' } },
  thresholds: getThresholds('offline-gates'),
  summaryTrendStats: TREND_STATS,
}

const admittedOnline = new Counter('admitted_online')
const refusedOnline = new Counter('refused_online')
const openedOffline = new Counter('opened_offline')
const scansSynced = new Counter('scans_synced')
const conflictsTold = new Counter('conflicts_told')
const answersRepeated = new Counter('answers_repeated')
const unexpectedAnswers = new Counter('unexpected_answers')

/** Of five tickets: one is shown online, one at two gates online, one offline, one at two gates offline, one at both kinds. */
const SHOWN_ONLINE: readonly number[] = [0, 1, 4]
const SHOWN_OFFLINE: readonly number[] = [2, 3, 4]
const KINDS = 5
const TWICE_ONLINE = 1
const TWICE_OFFLINE = 3

/** The tickets that come to a gate: its own, and those of its neighbour that are shown twice. */
function queueAt(gate: number, shown: readonly number[], shownTwice: number): readonly number[] {
  return Array.from({ length: tickets.length }, (_, at) => at).filter((at) => {
    const home = Math.floor(at / KINDS) % GATES
    const kind = at % KINDS
    return (home === gate && shown.includes(kind)) || ((home + 1) % GATES === gate && kind === shownTwice)
  })
}

export async function online(): Promise<void> {
  const gate = exec.scenario.iterationInTest
  for (const at of queueAt(gate, SHOWN_ONLINE, TWICE_ONLINE)) {
    const seen = await scanCode(tokens[at] ?? '', `online-${gate}`)
    check(seen, {
      'a gate with network opens, or says "already"': () => seen !== 'error' && seen !== 'refused',
    })
    if (seen === 'admitted') admittedOnline.add(1)
    else if (seen === 'already scanned') refusedOnline.add(1)
    else unexpectedAnswers.add(1)
    await pause(pauseSeconds)
  }
}

export async function offline(): Promise<void> {
  const gate = exec.scenario.iterationInTest
  const scans: OfflineScan[] = []
  for (const at of queueAt(gate, SHOWN_OFFLINE, TWICE_OFFLINE)) {
    const ticketId = tickets[at]?.id ?? ''
    scans.push({ ticketId, scannedAt: new Date().toISOString(), deviceId: `offline-${gate}` })
    openedOffline.add(1)
    await pause(pauseSeconds)
  }
  // Back in network; every other gate sends its newest scan first.
  if (gate % 2 === 1) scans.reverse()
  const first = await send(scans)
  const again = await send(scans)
  scansSynced.add(first.length)
  conflictsTold.add(first.filter((result) => result.conflictResolved).length)
  const same = first.filter((result, at) => isKept(result) && isKept(again[at])).length
  check(same, {
    'every scan is taken, and taken the same way when it comes again': () => same === scans.length,
  })
  answersRepeated.add(same)
  if (same !== scans.length) unexpectedAnswers.add(1)
}

interface OfflineScan {
  readonly ticketId: string
  readonly scannedAt: string
  readonly deviceId: string
}

interface SyncResult {
  readonly success: boolean
  readonly conflictResolved: boolean
  readonly alreadyScanned: boolean
}

/** It counts, or another scan of the ticket does. Which of the two may change between two answers: another gate came back. */
function isKept(result: SyncResult | undefined): boolean {
  return result !== undefined && result.success !== result.alreadyScanned
}

async function send(scans: readonly OfflineScan[]): Promise<readonly SyncResult[]> {
  const response = await postRetrying(
    `${getBaseUrl()}/sync-offline-scans`,
    { scans, businessId: required('TEST_BUSINESS_ID') },
    getHeaders(required('TEST_SCANNER_TOKEN')),
  )
  return response.status === 200 ? (jsonOf(response)['results'] as SyncResult[]) : []
}

export function handleSummary(data: Parameters<typeof summarize>[1]) {
  return summarize('offline-gates', data)
}
