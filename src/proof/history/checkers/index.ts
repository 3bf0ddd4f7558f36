import { lookUp } from '../lookup.ts'
import type { RecordedHistory } from '../read.ts'
import { acknowledgedOnce } from './acknowledged-once.ts'
import { admittedOnce } from './admitted-once.ts'
import type { Checker, Judgement } from './checker.ts'
import { countersBounded } from './counters-bounded.ts'
import { realTimeOrder } from './real-time-order.ts'
import { refusedAbsent } from './refused-absent.ts'
import { soldOutTrue } from './sold-out-true.ts'
import { uniqueIds } from './unique-ids.ts'
import { unknownResolved } from './unknown-resolved.ts'

/** Every checker of a history. */
export const CHECKERS: readonly Checker[] = [
  acknowledgedOnce,
  refusedAbsent,
  unknownResolved,
  realTimeOrder,
  soldOutTrue,
  countersBounded,
  uniqueIds,
  admittedOnce,
]

export interface CheckerResult extends Judgement {
  readonly checker: Checker
}

export function judgeHistory(history: RecordedHistory): readonly CheckerResult[] {
  const lookup = lookUp(history)
  return CHECKERS.map((checker) => ({ checker, ...checker.judge(lookup) }))
}
