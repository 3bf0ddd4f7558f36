import { Gauge } from 'k6/metrics'
import type { Options } from 'k6/options'
import { LOAD, loadProfile } from '../config/load-profiles.ts'
import { getSupabaseUrl } from './auth.ts'

/** A hosted project is shared with others, and paid for: there a run is slow unless RATE says otherwise. */
const HOSTED = /^https?:\/\/[^/:]+\.supabase\.(co|in|net|red)(:|\/|$)/
const HOSTED_RATE = 20

/** Rate limit: requests a second of all users together; 0 is none. */
const rate = Number(__ENV['RATE'] ?? (HOSTED.test(getSupabaseUrl()) ? HOSTED_RATE : 0))
if (!Number.isInteger(rate) || rate < 0)
  throw new Error('RATE must be a whole number of requests a second, or 0 for no limit')

/** The part of a scenario's options that holds it to RATE and LOAD_PROFILE; it stands after all others. */
export const PACE: Options = { ...(rate > 0 ? { rps: rate } : {}), ...LOAD }

/** Whatever makes requests at a rate of its own makes no more of them than RATE allows. */
export function atRate(perSecond: number): number {
  return rate > 0 ? Math.min(perSecond, rate) : perSecond
}

/** A bound in seconds, and as much longer as RATE makes so many requests last. */
export function lasting(seconds: number, requests: number): string {
  return `${Math.ceil(seconds + (rate > 0 ? requests / rate : 0))}s`
}

const announcedRequests = new Gauge('announced_requests')

/**
 * The `setup` of a scenario: says before the first one how many requests it will make at most, beside repeats of what the server was
 * too busy for, and how many it is likely to be where that is another number.
 */
export function announce(scenario: string, requests: number, likely = requests): () => void {
  const most = Math.ceil(requests)
  const figures = likely === requests ? `at most ${most}` : `about ${Math.ceil(likely)}, at most ${most}`
  const pace =
    rate > 0 ? `${rate} a second at most (RATE=0: no limit)` : 'as fast as it answers (RATE limits them)'
  return () => {
    if (loadProfile !== undefined)
      return console.log(`${scenario}: LOAD_PROFILE=${loadProfile}, requests to ${getSupabaseUrl()}, ${pace}`)
    announcedRequests.add(most)
    console.log(`${scenario}: ${figures} requests to ${getSupabaseUrl()}, ${pace}`)
  }
}
