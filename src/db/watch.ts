import {
  type DatabaseConditionName,
  databaseCondition,
  isDatabaseCondition,
} from '../core/database-conditions.ts'
import type { Log } from '../core/log.ts'
import type { DatabaseError } from './failures.ts'

/** What is wrong with the database right now, as all pools of a server see it. */
export interface DatabaseWatch {
  /** A call failed for this; what is no condition is not kept. */
  failed(failure: DatabaseError): void
  /** The same for calls whose failures keep nobody from buying, paying and entering: they are logged alone. */
  readonly aside: Pick<DatabaseWatch, 'failed'>
  /** What has kept buyers out until a moment ago. */
  suffers(): DatabaseConditionName | undefined
  stop(): void
}

/** Log throttling: so often a condition that lasts is named, and so long after its last failure it is said to be over. */
const SAY_EVERY_MS = 10_000

/** A condition is over when nobody met it for so long: longer than a client waits before it asks again, or health would flap. */
const FORGET_MS = 5_000

/**
 * What the next call meets as well, or many a one; causes before what comes of them. A lost connection and a cancelled wait
 * are one call's: the next does better.
 */
const KEEPS_OUT: readonly DatabaseConditionName[] = [
  'DISK_FULL',
  'READ_ONLY',
  'UNREACHABLE',
  'TIMED_OUT',
  'CONNECTIONS_USED_UP',
  'POOL_EXHAUSTED',
]

interface Suffering {
  readonly sinceMs: number
  lastMs: number
  saidMs: number
  failures: number
  over: NodeJS.Timeout
}

/** Names the cause of a condition in the log when it begins and every ten seconds that it lasts, and says when it is over. */
export function openWatch(log: Log, nowMs: () => number = () => performance.now()): DatabaseWatch {
  const now = new Map<DatabaseConditionName, Suffering>()
  const metMs = new Map<DatabaseConditionName, number>()
  const end = (condition: DatabaseConditionName, { sinceMs, lastMs, failures }: Suffering) => {
    now.delete(condition)
    log('warn', 'database_condition_over', {
      condition,
      failures,
      seconds: Math.ceil((lastMs - sinceMs) / 1000),
    })
  }
  const begin = (condition: DatabaseConditionName): Suffering => {
    const at = nowMs()
    const suffering: Suffering = {
      ...{ sinceMs: at, lastMs: at, saidMs: Number.NEGATIVE_INFINITY, failures: 0 },
      over: setTimeout(() => end(condition, suffering), SAY_EVERY_MS).unref(),
    }
    now.set(condition, suffering)
    return suffering
  }
  const say = ({ code, message: cause }: DatabaseError) => {
    if (!isDatabaseCondition(code)) return
    const suffering = now.get(code) ?? begin(code)
    suffering.failures++
    suffering.lastMs = nowMs()
    suffering.over.refresh()
    if (suffering.lastMs - suffering.saidMs < SAY_EVERY_MS) return
    suffering.saidMs = suffering.lastMs
    const { failures } = suffering
    log('error', 'database_condition', {
      condition: code,
      cause,
      failures,
      next: databaseCondition(code).advice,
    })
  }
  return {
    failed: (failure) => {
      if (isDatabaseCondition(failure.code)) metMs.set(failure.code, nowMs())
      say(failure)
    },
    aside: { failed: say },
    suffers: () =>
      KEEPS_OUT.find((one) => nowMs() - (metMs.get(one) ?? Number.NEGATIVE_INFINITY) < FORGET_MS),
    stop: () => {
      for (const { over } of now.values()) clearTimeout(over)
    },
  }
}
