import { isRefusalCode, refusalEntry } from '../core/refusals.ts'
import { AdmitOnceError, type ErrorFacts } from './error.ts'
import { pause, TimeIsUp, within } from './limit.ts'
import type { Repetition, Returns } from './operations.ts'
import type { Call, Transport } from './transport.ts'
import { judge, lost, type Verdict } from './verdict.ts'

/** How often and how long one call is tried. */
export interface RetryOptions {
  /** After the first attempt; 0 to 3. */
  readonly retries?: number | undefined
  /** Each attempt's time limit in milliseconds, token and body included. */
  readonly timeoutMs?: number | undefined
  /** Before the first retry, in milliseconds; doubled before each further one, less a random half. */
  readonly backoffMs?: number | undefined
  /** A server that asks for more patience is not asked again: who called is told how much. */
  readonly retryAfterSecondsMax?: number | undefined
}

export type Policy = Readonly<Record<keyof RetryOptions, number>>

const RETRIES_MAX = 3
const TIMEOUT_MS_MAX = 10 * 60_000

/** Fills in what is usual. Throws a `RangeError` for what is out of bounds. */
export function policyOf({
  retries = RETRIES_MAX,
  timeoutMs = 30_000,
  backoffMs = 250,
  retryAfterSecondsMax = 10,
}: RetryOptions): Policy {
  const bounds: readonly (readonly [name: string, value: number, min: number, max: number])[] = [
    ['retries', retries, 0, RETRIES_MAX],
    ['timeoutMs', timeoutMs, 1, TIMEOUT_MS_MAX],
    ['backoffMs', backoffMs, 0, TIMEOUT_MS_MAX],
    ['retryAfterSecondsMax', retryAfterSecondsMax, 0, TIMEOUT_MS_MAX / 1000],
  ]
  for (const [name, value, min, max] of bounds) {
    if (!(value >= min && value <= max)) throw new RangeError(`${name} must be from ${min} to ${max}`)
  }
  return { retries, timeoutMs, backoffMs, retryAfterSecondsMax }
}

export interface Task {
  readonly call: Call
  readonly returns: Returns | 'object'
  readonly repetition: Repetition
  readonly signal: AbortSignal | undefined
}

/** As supabase-js has it: one of the two is null. */
export type Result<Data> =
  | { readonly data: Data; readonly error: null }
  | { readonly data: null; readonly error: AdmitOnceError }

/** Tries a call until it is answered, refused for good, or tried often enough. */
export async function perform(transport: Transport, task: Task, policy: Policy): Promise<Result<unknown>> {
  const { signal } = task
  let mayBeDone = false
  const fail = (facts: ErrorFacts): Result<never> => {
    const isUnknown = facts.outcome === 'unknown' || (mayBeDone && !isConclusive(facts))
    const told = { ...facts, outcome: isUnknown ? 'unknown' : 'refused' } as const
    return { data: null, error: new AdmitOnceError(told, task.call.key) }
  }
  for (let tried = 0; ; tried++) {
    const verdict = await attempt(transport, task, policy)
    if (verdict.kind === 'answered') return { data: verdict.value, error: null }
    const { kind, facts } = verdict
    mayBeDone ||= facts.outcome === 'unknown'
    const isWorthIt = kind === 'busy' || (kind === 'lost' && task.repetition !== 'unsafe')
    const waitMs = waitBefore(tried, facts, policy)
    if (!isWorthIt || waitMs === undefined) return fail(facts)
    if (!(await pause(waitMs, signal))) return fail(aborted(signal))
  }
}

/**
 * After a lost attempt only who judges the request tells that the first one was not done; a token that ran out, a rate limit or a proxy
 * tells nothing of it.
 */
function isConclusive({ code }: ErrorFacts): boolean {
  // Verbs refuse with 200: what counts is the refusal's own status.
  return isRefusalCode(code) && CONCLUSIVE.has(refusalEntry(code).status)
}

/** 502 is the payment provider's no. */
const CONCLUSIVE: ReadonlySet<number> = new Set([400, 404, 409, 410, 422, 502])

/** Exponential backoff with jitter, so that those who failed together do not come back together; undefined: not at all. */
function waitBefore(
  tried: number,
  { retryAfterSeconds = 0 }: ErrorFacts,
  { retries, backoffMs, retryAfterSecondsMax }: Policy,
): number | undefined {
  if (tried >= retries || retryAfterSeconds > retryAfterSecondsMax) return undefined
  const slotMs = backoffMs * 2 ** tried
  const jitterMs = (slotMs / 2) * Math.random()
  return Math.max(slotMs / 2, retryAfterSeconds * 1000) + jitterMs
}

async function attempt(transport: Transport, task: Task, { timeoutMs }: Policy): Promise<Verdict> {
  const { call, signal, returns } = task
  let isSent = false
  const onSend = () => {
    isSent = true
  }
  try {
    const answer = await within(timeoutMs, signal, (its) => transport(call, { signal: its, onSend }))
    return judge(answer, returns)
  } catch (cause) {
    const outcome = isSent ? 'unknown' : 'refused'
    if (signal?.aborted) return { kind: 'over', facts: { ...aborted(signal), outcome } }
    if (isSent) return lost(cause instanceof TimeIsUp ? cause.message : 'No answer came.', { cause })
    const message =
      cause instanceof TimeIsUp ? 'No token came in time.' : 'There was no token to send it with.'
    return { kind: 'busy', facts: { code: 'NOT_SENT', message, status: 0, outcome, cause } }
  }
}

function aborted(signal: AbortSignal | undefined): ErrorFacts {
  return {
    code: 'ABORTED',
    message: 'The caller gave up.',
    status: 0,
    outcome: 'refused',
    cause: signal?.reason,
  }
}
