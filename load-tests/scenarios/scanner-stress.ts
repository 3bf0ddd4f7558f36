/**
 * Five scanners work through a queue, hundreds of scans, and three of ten show a ticket that was shown before: to the same
 * scanner, or at the same time to the neighbour. Every ticket opens one gate once, and every further scan is told "already".
 *
 *   eval "$(npx admit-one fixtures scanner-stress)" && k6 run load-tests/scenarios/scanner-stress.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { getThresholds } from '../config/thresholds.ts'
import { required } from '../helpers/auth.ts'
import { type Scan, scanCode } from '../helpers/gate.ts'
import { pause } from '../helpers/http.ts'
import { summarize, TREND_STATS } from '../helpers/summary.ts'

const SCANNERS = 5
const scans = Number(__ENV['SCANS'] ?? 500)
const pauseSeconds = Number(__ENV['SCAN_PAUSE_S'] ?? 1.8)

export const options: Options = {
  scenarios: {
    queue: {
      executor: 'per-vu-iterations',
      vus: SCANNERS,
      iterations: Math.floor(scans / SCANNERS),
      maxDuration: '280s',
    },
  },
  thresholds: getThresholds('scanner-stress'),
  summaryTrendStats: TREND_STATS,
}

const admitted = new Counter('admitted')
const repeatsRefused = new Counter('repeats_refused')
const duplicateEntries = new Counter('duplicate_entries')
const unexpectedAnswers = new Counter('unexpected_answers')

const tokens = required('TEST_TICKET_TOKENS').split(',')

/** Of ten scans seven are of tickets of the scanner's own; the fourth and the seventh repeat the one before. */
const FRESH = [0, 1, 2, undefined, 3, 4, undefined, 5, 6, undefined] as const
const FRESH_OF_TEN = 7

export default async function scanNext(): Promise<void> {
  const scanner = (exec.vu.idInTest - 1) % SCANNERS
  const number = exec.vu.iterationInScenario
  const round = Math.floor(number / FRESH.length)
  const place = number % FRESH.length
  const fresh = FRESH[place]
  // The last of ten is the neighbour's newest, which the neighbour scans about now: either of the two is first.
  if (place === FRESH.length - 1)
    judge(await scan((scanner + 1) % SCANNERS, round, FRESH_OF_TEN - 1), 'either')
  else if (fresh === undefined) judge(await scan(scanner, round, FRESH[place - 1] ?? 0), 'repeat')
  else judge(await scan(scanner, round, fresh), fresh === FRESH_OF_TEN - 1 ? 'either' : 'fresh')
  await pause(pauseSeconds)
}

function scan(scanner: number, round: number, fresh: number): Promise<Scan> {
  const token = tokens[(round * SCANNERS + scanner) * FRESH_OF_TEN + fresh]
  if (token === undefined) throw new Error(`${tokens.length} tickets are too few for ${scans} scans`)
  return scanCode(token, `scanner-${exec.vu.idInTest}`)
}

function judge(seen: Scan, expected: 'fresh' | 'repeat' | 'either'): void {
  const wanted = expected === 'fresh' ? ['admitted'] : ['already scanned']
  check(seen, {
    'a ticket opens once, and then says "already"': () =>
      (expected === 'either' && seen === 'admitted') || wanted.includes(seen),
  })
  if (seen === 'admitted') (expected === 'repeat' ? duplicateEntries : admitted).add(1)
  else if (seen === 'already scanned' && expected !== 'fresh') repeatsRefused.add(1)
  else unexpectedAnswers.add(1)
}

export function handleSummary(data: Parameters<typeof summarize>[1]) {
  return summarize('scanner-stress', data)
}
