/**
 * Five scanners work through a queue, hundreds of scans, and three of ten show a ticket that was shown before: to the same
 * scanner, or at the same moment to the one beside it. Every ticket opens one gate once, and every further scan is told
 * "already". With RUSH_RATE, ten scanners make so many scans a second before that, for RUSH_S, whatever the server does.
 *
 *   eval "$(npx admit-once fixtures scanner-stress)" && k6 run load-tests/scenarios/scanner-stress.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { loadProfile } from '../config/load-profiles.ts'
import { getThresholds } from '../config/thresholds.ts'
import { required } from '../helpers/auth.ts'
import { type Scan, scanCode } from '../helpers/gate.ts'
import { intendedStart } from '../helpers/history.ts'
import { pause } from '../helpers/http.ts'
import { announce, atRate, lasting, PACE } from '../helpers/pace.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const SCANNERS = 5
const RUSH_SCANNERS = 10
const SCANS_OF_A_ROUND = 10
/** At how many gates a new ticket is shown, at the same moment; or the one before it again. */
const ROUND = [1, 1, 1, 'again', 1, 1, 'again', 1, 2] as const
const GATES = ['', ' beside'] as const
const TICKETS_OF_A_ROUND = 7
const REPEATS_OF_A_ROUND = SCANS_OF_A_ROUND - TICKETS_OF_A_ROUND

const rounds = Math.floor(Number(__ENV['SCANS'] ?? 500) / (SCANNERS * SCANS_OF_A_ROUND))
const pauseSeconds = Number(__ENV['SCAN_PAUSE_S'] ?? 1.8)
const rushRate = atRate(Number(__ENV['RUSH_RATE'] ?? 0))
const rushSeconds = Number(__ENV['RUSH_S'] ?? 20)

const tokens = required('TEST_TICKET_TOKENS').split(',')
const queueTokens = tokens.slice(0, SCANNERS * rounds * TICKETS_OF_A_ROUND)
const rushTokens = tokens.slice(queueTokens.length)
if (
  queueTokens.length < SCANNERS * rounds * TICKETS_OF_A_ROUND ||
  (rushRate > 0 && rushTokens.length === 0)
) {
  throw new Error(`${tokens.length} tickets are too few`)
}

const rush = {
  executor: 'constant-arrival-rate',
  exec: 'scanAtRate',
  rate: Math.max(1, rushRate),
  timeUnit: '1s',
  duration: `${rushSeconds}s`,
  preAllocatedVUs: RUSH_SCANNERS,
  maxVUs: RUSH_SCANNERS,
} as const

/** An arrival rate may start one more at its very end. */
const rushScans = rushRate > 0 ? rushRate * rushSeconds + 1 : 0
const requests = SCANNERS * rounds * SCANS_OF_A_ROUND + rushScans

export const options: Options = {
  scenarios: {
    ...(rushRate > 0 ? { rush } : {}),
    queue: {
      executor: 'per-vu-iterations',
      vus: SCANNERS,
      iterations: rounds,
      startTime: rushRate > 0 ? `${rushSeconds + 1}s` : '0s',
      maxDuration: lasting(280, requests),
    },
  },
  thresholds: getThresholds('scanner-stress', {
    admitted: queueTokens.length,
    repeats_refused: SCANNERS * rounds * REPEATS_OF_A_ROUND,
  }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('scanner-stress', requests)

const admitted = new Counter('admitted')
const repeatsRefused = new Counter('repeats_refused')
/** Entries beside the first with one ticket. */
const duplicateEntries = new Counter('duplicate_entries')
const admittedInRush = new Counter('admitted_in_rush')
const refusedInRush = new Counter('refused_in_rush')
/** Tickets that were new, and did not open a gate. */
const wrongRefusals = new Counter('wrong_refusals')
const unexpectedAnswers = new Counter('unexpected_answers')

/** A round of ten scans with tickets that are this scanner's own. */
export default async function scanRound(): Promise<void> {
  const first = exec.scenario.iterationInTest * TICKETS_OF_A_ROUND
  if (first + TICKETS_OF_A_ROUND > queueTokens.length) return showAgain()
  const here = `scanner-${exec.vu.idInTest}`
  let next = first
  for (const gates of ROUND) {
    const token = queueTokens[gates === 'again' ? next - 1 : next++] ?? ''
    if (gates === 'again') judge([await scanCode(token, here)], 0)
    else judge(await Promise.all(GATES.slice(0, gates).map((gate) => scanCode(token, here + gate))), 1)
    if (loadProfile !== undefined) seen.push(token)
    await pause(pauseSeconds)
  }
}

/** Under a load profile the tickets run out: then scanners show what they let in themselves once more. */
async function showAgain(): Promise<void> {
  const token = seen[exec.vu.iterationInScenario % seen.length]
  if (token !== undefined) judge([await scanCode(token, `scanner-${exec.vu.idInTest}`)], 0)
  await pause(Math.max(pauseSeconds, 0.05))
}

/** Every scanner has its own. */
const seen: string[] = []

/** Scans of one ticket, of which so many open a gate. */
function judge(scans: readonly Scan[], entries: 0 | 1): void {
  const opened = scans.filter((scan) => scan === 'admitted').length
  const refused = scans.filter((scan) => scan === 'already scanned').length
  check(scans, {
    'a ticket opens once, and then says "already"': () =>
      opened === entries && refused === scans.length - entries,
  })
  admitted.add(opened)
  repeatsRefused.add(refused)
  duplicateEntries.add(Math.max(0, opened - entries))
  wrongRefusals.add(Math.max(0, entries - opened))
  unexpectedAnswers.add(scans.length - opened - refused)
}

/** Each of the tickets once; then scanners show again what they let in themselves, so that the first time is over for sure. */
export async function scanAtRate(): Promise<void> {
  const number = exec.scenario.iterationInTest
  const fresh = rushTokens[number]
  const token = fresh ?? letIn[number % letIn.length]
  if (token === undefined) return
  const scan = await scanCode(token, `rush-${exec.vu.idInTest}`, intendedStart(rushRate))
  check(scan, { 'in the rush too': () => scan === (fresh ? 'admitted' : 'already scanned') })
  if (scan === 'admitted') (fresh ? admittedInRush : duplicateEntries).add(1)
  else if (fresh) wrongRefusals.add(1)
  else if (scan === 'already scanned') refusedInRush.add(1)
  else unexpectedAnswers.add(1)
  if (fresh) letIn.push(fresh)
}

/** Every user has one of its own. */
const letIn: string[] = []

export const handleSummary = summaryOf('scanner-stress')
