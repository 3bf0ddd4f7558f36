import type { Adapter, Call } from '../../adapter/index.ts'
import type { Traffic } from './http.ts'
import type { TargetProfile } from './profiles.ts'

/** Somebody else's system under proof: its adapter, and what the run may do. */
export interface Target {
  readonly adapter: Adapter
  /** The adapter's file, as it was named. */
  readonly file: string
  readonly urls: readonly string[]
  readonly env: Call['env']
  /** Undefined without `--database-url`. */
  readonly sql: Call['sql'] | undefined
  readonly profile: TargetProfile
  /** Part of every name and address that the run makes up. */
  readonly runId: string
  readonly traffic: Traffic
  readonly signal: AbortSignal
  /**
   * On the clock of `performance`: buyers who have no answer that counts by then ask no more, so that what a slow system did can be
   * judged when all is quiet, and not in the midst of it.
   */
  readonly patienceEndsAt?: number
  /** What the adapter's functions threw of their own, the first ones: bugs of the adapter, or answers that it cannot read. */
  readonly faults: string[]
  /** The command of one scenario alone. */
  readonly reproduce: (scenario: string) => string
}

const CALL_SECONDS = 60
export const REQUESTS_PER_CALL = 10
/** Of `prepare`, `truth` and `cleanup`, which may have pages to turn. */
export const REQUESTS_PER_PAGES = 200

export function callMs({ adapter }: Pick<Target, 'adapter'>): number {
  return (adapter.callSecondsMax ?? CALL_SECONDS) * 1000
}

export function settleMs({ adapter }: Pick<Target, 'adapter'>): number {
  return (adapter.settleSeconds ?? 0) * 1000
}
