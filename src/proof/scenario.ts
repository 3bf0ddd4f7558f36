import { type Check, type Verdict, worst } from './results.ts'

/** A scenario is what its checks are. */
export function verdictOf(checks: readonly Check[]): Verdict {
  return worst(checks.map((check) => check.verdict))
}
