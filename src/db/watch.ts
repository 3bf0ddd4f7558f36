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
  /** Whether calls have failed for this condition until a moment ago. */
  suffers(condition: DatabaseConditionName): boolean
  stop(): void
}

/** Log throttling: so often a condition that lasts is named, and so long after its last failure it is said to be over. */
const SAY_EVERY_MS = 10_000

/** A condition is over when nobody met it for so long. */
const FORGET_MS = 5_000

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
  return {
    failed: ({ code, message: cause }) => {
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
    },
    suffers: (condition) => nowMs() - (now.get(condition)?.lastMs ?? Number.NEGATIVE_INFINITY) < FORGET_MS,
    stop: () => {
      for (const { over } of now.values()) clearTimeout(over)
    },
  }
}
