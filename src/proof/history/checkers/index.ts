import { lookUp } from '../lookup.ts'
import type { DatabaseHistory, HistoryFile } from '../read.ts'
import { acknowledgedOnce } from './acknowledged-once.ts'
import { admittedOnce } from './admitted-once.ts'
import { type Checker, type Findings, type Judgement, judgementOf, together } from './checker.ts'
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

/** One database after the other: no more than one of them is in memory. */
export async function judgeFile({ databases, read }: HistoryFile): Promise<readonly CheckerResult[]> {
  let sums = NOTHING
  for (const database of databases.keys()) sums = summed(sums, lookIn(await read(database)))
  return resultsOf(sums)
}

/** Databases that are in memory. */
export function judgeHistory(databases: readonly DatabaseHistory[]): readonly CheckerResult[] {
  return resultsOf(databases.map(lookIn).reduce(summed, NOTHING))
}

const NOTHING: readonly Findings[] = CHECKERS.map(() => ({ looked: 0, wrong: 0 }))

function lookIn(history: DatabaseHistory): readonly Findings[] {
  const lookup = lookUp(history)
  return CHECKERS.map(({ look }) => look(lookup))
}

function summed(all: readonly Findings[], more: readonly Findings[]): readonly Findings[] {
  return all.map((findings, at) => together(findings, more[at] ?? findings))
}

function resultsOf(all: readonly Findings[]): readonly CheckerResult[] {
  return CHECKERS.map((checker, at) => ({
    checker,
    ...judgementOf(checker, all[at] ?? { looked: 0, wrong: 0 }),
  }))
}
