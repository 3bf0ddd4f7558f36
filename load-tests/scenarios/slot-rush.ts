/**
 * Forty parties want a table on one evening, in two slots that overlap, the later one across midnight. Some cancel. Whoever
 * was refused, or cancelled, takes what single covers are left, until the house says that it is full; and then it is, to the
 * last cover.
 *
 *   eval "$(npx admit-once fixtures slot-rush)" && k6 run load-tests/scenarios/slot-rush.ts
 */
import { check } from 'k6'
import exec from 'k6/execution'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { loadProfile } from '../config/load-profiles.ts'
import { getThresholds } from '../config/thresholds.ts'
import { getHeaders, getSupabaseUrl, required } from '../helpers/auth.ts'
import { guestNumber, guestTokens } from '../helpers/guests.ts'
import type { Operation } from '../helpers/history.ts'
import { jsonOf, postRetrying } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const tokens = guestTokens('slot-rush')
const businessId = required('TEST_BUSINESS_ID')
const date = required('TEST_SLOT_DATE')
const covers = Number(required('SLOT_COVERS'))

const TIMES = ['19:30', '21:30', '23:30', '00:30'] as const
/** Both slots are open then. */
const SHARED_TIME = '21:30'
const PARTY_MAX = 4
const CANCELS_EVERY = 4
/** More than a house that is honest about being full lets anybody ask. */
const TRIES_MAX = 100

/** A wish of each party, what some cancel, a cover at a time while there are any, and each one's being told that there is none. */
const requests = 2 * tokens.length + Math.ceil(tokens.length / CANCELS_EVERY) + covers

export const options: Options = {
  scenarios: {
    rush: {
      executor: 'per-vu-iterations',
      vus: tokens.length,
      iterations: 1,
      maxDuration: lasting(60, requests),
    },
  },
  thresholds: getThresholds('slot-rush', { covers_kept: covers }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('slot-rush', requests)

const coversBooked = new Counter('covers_booked')
/** Booked less cancelled. */
const coversKept = new Counter('covers_kept')
const coversCancelled = new Counter('covers_cancelled')
const fullAnswers = new Counter('full_answers')
const afterMidnight = new Counter('booked_after_midnight')
const unexpectedAnswers = new Counter('unexpected_answers')

export default async function wantTable(): Promise<void> {
  const guest = guestNumber()
  const headers = getHeaders(tokens[guest])
  const party = 1 + (guest % PARTY_MAX)
  const bookingId = await book(
    headers,
    TIMES[Math.floor(guest / PARTY_MAX) % TIMES.length] ?? SHARED_TIME,
    party,
  )
  const cancels = loadProfile !== undefined || guest % CANCELS_EVERY === 0
  if (bookingId !== undefined && !cancels) return
  if (bookingId !== undefined) await cancel(headers, bookingId, party)
  // Under a load profile the table is given back, and the guest begins again.
  if (loadProfile !== undefined) return
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    if ((await book(headers, SHARED_TIME, 1)) === undefined) return
  }
  unexpectedAnswers.add(1)
}

/** Every user counts its own. */
let asked = 0

/** The booking's id, or undefined where the house is full at that time. */
async function book(
  headers: Record<string, string>,
  time: string,
  party: number,
): Promise<string | undefined> {
  // By its name it is found, where the answer is lost.
  const name = `Guest ${exec.scenario.iterationInTest}, request ${++asked}`
  const answer = await call(
    'book_slot_atomically',
    headers,
    {
      p_business_id: businessId,
      p_date: date,
      p_slot_time: time,
      p_party_size: party,
      p_reservation_name: name,
    },
    { operation: 'book', key: name, asked: { business: businessId, date, time, party } },
  )
  const booked = answer['success'] === true
  check(answer, { 'booked, or told that it is full': () => booked || answer['error'] === 'SLOT_FULL' })
  if (booked) {
    coversBooked.add(party)
    coversKept.add(party)
  } else if (answer['error'] === 'SLOT_FULL') fullAnswers.add(1)
  else unexpectedAnswers.add(1)
  if (booked && time.startsWith('00')) afterMidnight.add(1)
  return booked ? String(answer['reservation_id']) : undefined
}

async function cancel(headers: Record<string, string>, reservationId: string, party: number): Promise<void> {
  const answer = await call(
    'cancel_reservation',
    headers,
    { p_reservation_id: reservationId },
    { operation: 'cancel', asked: { booking: reservationId } },
  )
  check(answer, { cancelled: () => answer['success'] === true })
  if (answer['success'] === true) {
    coversCancelled.add(party)
    coversKept.add(-party)
  } else unexpectedAnswers.add(1)
}

async function call(
  verb: string,
  headers: Record<string, string>,
  body: unknown,
  operation: Operation,
): Promise<Record<string, unknown>> {
  return jsonOf(await postRetrying(`${getSupabaseUrl()}/rest/v1/rpc/${verb}`, body, headers, {}, operation))
}

export const handleSummary = summaryOf('slot-rush')
