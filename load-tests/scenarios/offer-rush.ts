/**
 * Forty guests want an offer for fifty people, two places each and one claim a person, and all of them press the button twice
 * at the same moment. Some give their places back and ask again. In the end every place is taken, none twice.
 *
 *   eval "$(npx admit-once fixtures offer-rush)" && k6 run load-tests/scenarios/offer-rush.ts
 */
import { check } from 'k6'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import type { Options } from 'k6/options'
import { loadProfile } from '../config/load-profiles.ts'
import { getThresholds } from '../config/thresholds.ts'
import { getBaseUrl, getHeaders, getSupabaseUrl, required } from '../helpers/auth.ts'
import { guestNumber, guestTokens } from '../helpers/guests.ts'
import { jsonOf, pause, postRetrying } from '../helpers/http.ts'
import { announce, lasting, PACE } from '../helpers/pace.ts'
import { summaryOf, TREND_STATS } from '../helpers/summary.ts'

const tokens = guestTokens('offer-rush')
const discountId = required('DISCOUNT_ID')
const places = Number(required('OFFER_PLACES'))

const PARTY = 2
const GIVES_BACK_EVERY = 5
/** So long does somebody enjoy an offer before giving it back. */
const THINKS_S = 0.2

/** Two clicks of each guest; some give back, and ask again. */
const requests = 2 * tokens.length + 2 * Math.ceil(tokens.length / GIVES_BACK_EVERY)

export const options: Options = {
  scenarios: {
    rush: {
      executor: 'per-vu-iterations',
      vus: tokens.length,
      iterations: 1,
      maxDuration: lasting(60, requests),
    },
  },
  thresholds: getThresholds('offer-rush', { places_taken: places }),
  summaryTrendStats: TREND_STATS,
  ...PACE,
}

export const setup = announce('offer-rush', requests)

const claimsGranted = new Counter('claims_granted')
/** Claimed less given back. */
const placesTaken = new Counter('places_taken')
const claimsReleased = new Counter('claims_released')
const secondClaimsRefused = new Counter('second_claims_refused')
const soldOutAnswers = new Counter('sold_out_answers')
const doubleClaims = new Counter('double_claims')
const unexpectedAnswers = new Counter('unexpected_answers')

// No places left, one claim a person, and busy are answers; anything else but success is a failed request.
http.setResponseCallback(http.expectedStatuses(200, 204, 409, 503))

export default async function wantOffer(): Promise<void> {
  const guest = guestNumber()
  const headers = getHeaders(tokens[guest])
  const answers = await Promise.all([claim(headers), claim(headers)])
  const [claimId, ...others] = answers.filter((answer) => answer !== undefined)
  const granted = claimId === undefined ? 0 : 1 + others.length
  if (granted > 1) doubleClaims.add(1)
  check(answers, { 'of two clicks at most one is granted': () => granted <= 1 })
  if (claimId === undefined || (loadProfile === undefined && guest % GIVES_BACK_EVERY !== 0)) return
  await pause(THINKS_S)
  await release(headers, claimId)
  // Under a load profile the guest asks again by beginning again.
  if (loadProfile === undefined) await claim(headers)
}

/** The claim, if it is granted. Each click is a request of its own. */
async function claim(headers: Record<string, string>): Promise<string | undefined> {
  const key = crypto.randomUUID()
  const response = await postRetrying(
    `${getBaseUrl()}/claim-offer`,
    { discountId, partySize: PARTY },
    { ...headers, 'Idempotency-Key': key },
    {},
    { operation: 'claim', key, asked: { offer: discountId, party: PARTY } },
  )
  const body = jsonOf(response)
  const code = response.status === 409 ? body['code'] : undefined
  if (response.status === 200 && body['success'] === true) {
    claimsGranted.add(1)
    placesTaken.add(PARTY)
  } else if (code === 'ALREADY_CLAIMED') secondClaimsRefused.add(1)
  else if (code === 'INSUFFICIENT_SPOTS') soldOutAnswers.add(1)
  else unexpectedAnswers.add(1)
  return response.status === 200 ? String(body['claimId']) : undefined
}

async function release(headers: Record<string, string>, claimId: string): Promise<void> {
  const response = await postRetrying(
    `${getSupabaseUrl()}/rest/v1/rpc/release_offer_spots`,
    { p_discount_id: discountId, p_party_size: PARTY },
    headers,
    {},
    { operation: 'release', asked: { offer: discountId, claim: claimId, party: PARTY } },
  )
  if (response.status === 204) {
    claimsReleased.add(1)
    placesTaken.add(-PARTY)
  } else unexpectedAnswers.add(1)
}

export const handleSummary = summaryOf('offer-rush')
